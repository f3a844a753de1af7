CREATE TABLE orders (id STRING, customer STRING, amount BIGINT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'orders', 'key.format' = 'raw', 'value.format' = 'json');
CREATE TABLE customers (id STRING, city STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'customers', 'key.format' = 'raw', 'value.format' = 'json');
CREATE TABLE joined (id STRING, city STRING, amount BIGINT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'joined', 'key.format' = 'raw', 'value.format' = 'json');
CREATE TABLE pairs (id STRING, customer STRING, PRIMARY KEY (id, customer) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'pairs', 'key.format' = 'json', 'value.format' = 'json');
EXECUTE STATEMENT SET BEGIN
-- An order that moves to another customer moves to another worker: its changes may overtake each other.
INSERT INTO joined SELECT o.id, c.city, o.amount FROM orders AS o LEFT JOIN customers AS c ON o.customer = c.id;
-- Joined by the key, an order stays where it is.
INSERT INTO joined SELECT o.id, c.city, o.amount FROM orders AS o LEFT JOIN customers AS c ON o.id = c.id;
-- The customer says where a pair is.
INSERT INTO pairs SELECT o.id, c.id FROM orders AS o JOIN customers AS c ON o.customer = c.id AND o.amount > 5;
INSERT INTO joined SELECT id, customer, amount FROM orders WHERE customer IN (SELECT id FROM customers);
END;
