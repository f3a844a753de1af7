-- Bids with the fee that their channel had at the time of the bid.
CREATE TABLE sink (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, fee BIGINT, `dateTime` TIMESTAMP(3))
WITH (${SINK});
INSERT INTO sink
SELECT B.auction, B.bidder, B.price, B.channel, C.fee, B.`dateTime`
FROM bid AS B JOIN channels FOR SYSTEM_TIME AS OF B.`dateTime` AS C ON B.channel = C.channel;
