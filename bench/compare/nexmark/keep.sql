-- Bids with the names of those who bid: keeps every bid for ever, its texts included, and gives little.
CREATE TABLE sink (auction BIGINT, price BIGINT, name STRING, letters INT) WITH (${SINK});
INSERT INTO sink
SELECT B.auction, B.price, P.name, CHAR_LENGTH(B.url) + CHAR_LENGTH(B.channel) + CHAR_LENGTH(B.extra)
FROM bid B JOIN person P ON B.bidder = P.id;
