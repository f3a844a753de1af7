-- The job baskets of Leat, for the SQL client of Apache Flink 2.2 with its connector for Kafka:
--   sql-client.sh -f THIS_FILE
-- Different there:
-- - A row that cannot be read or computed ends the job. Here it goes to the topic baskets-dlq, and the job goes on.
--   'json.ignore-parse-errors' = 'true' makes Flink drop what is no JSON, without a trace.
-- - Late rows are counted, and not kept. Here they go to the topic baskets-late.

SET 'pipeline.name' = 'baskets';
SET 'execution.runtime-mode' = 'streaming';
SET 'execution.checkpointing.mode' = 'EXACTLY_ONCE';
SET 'execution.checkpointing.interval' = '1 s';
SET 'table.local-time-zone' = 'UTC';

-- What is bought together, and the sales of a shop, out of its invoices.
--
--   leat topic create invoices --partitions 1
--   leat job submit config/jobs/baskets.sql
--   leat produce invoices --file invoices.csv --key InvoiceNo
--   leat consume sales-minutes --from-beginning
--
-- In:  invoices           the lines of invoices, {"InvoiceNo","StockCode","Quantity","InvoiceDate","UnitPrice","CustomerID",..}, as in the public set
--                         "Online Retail" (UCI): an InvoiceNo that begins with C is a cancellation, its quantities are negative
-- Out: bought-together    a table: pairs of articles that are together on 3 invoices or more, and on how many
--      sales-minutes      for each minute: invoices, lines, net (all lines) and gross (without cancellations and what costs nothing)
--      customer-visits    for each customer's invoices with no pause of more than 30 minutes: when, lines, net
--      baskets-late       lines that came more than a minute late for the last two
--      baskets-dlq        lines that cannot be read, with the reason

-- Leat only: SET 'leat.late.topic' = 'baskets-late';

CREATE TABLE invoices (
  InvoiceNo   STRING,
  StockCode   STRING,
  Quantity    INT,
  InvoiceDate STRING,
  UnitPrice   DECIMAL(12, 3),
  CustomerID  STRING,
  ts AS TO_TIMESTAMP(InvoiceDate),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'kafka',
  'topic' = 'invoices',
  'format' = 'json',
  'properties.group.id' = 'baskets',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.emit.strategy' = 'on-event',
  'scan.watermark.idle-timeout' = '10 s',
  'properties.bootstrap.servers' = 'broker:9092',
  'properties.isolation.level' = 'read_committed'
);

CREATE TABLE bought_together (
  article STRING,
  other   STRING,
  baskets BIGINT,
  PRIMARY KEY (article, other) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka', 'topic' = 'bought-together', 'key.format' = 'json', 'value.format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-baskets-bought_together',
  'properties.transaction.timeout.ms' = '600000');

CREATE TABLE sales_minutes (
  window_start  TIMESTAMP(3),
  invoices      BIGINT,
  invoice_lines BIGINT,
  net           DECIMAL(38, 3),
  gross         DECIMAL(38, 3)
) WITH ('connector' = 'kafka', 'topic' = 'sales-minutes', 'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-baskets-sales_minutes',
  'properties.transaction.timeout.ms' = '600000');

CREATE TABLE customer_visits (
  customer      STRING,
  began         TIMESTAMP(3),
  ended         TIMESTAMP(3),
  invoice_lines BIGINT,
  net           DECIMAL(38, 3)
) WITH ('connector' = 'kafka', 'topic' = 'customer-visits', 'key.format' = 'raw', 'key.fields' = 'customer', 'format' = 'json',
  'properties.bootstrap.servers' = 'broker:9092',
  'sink.delivery-guarantee' = 'exactly-once',
  'sink.transactional-id-prefix' = 'flink-baskets-customer_visits',
  'properties.transaction.timeout.ms' = '600000');

CREATE VIEW sales AS
SELECT
  *,
  Quantity * UnitPrice AS amount,
  InvoiceNo NOT LIKE 'C%' AND Quantity > 0 AND UnitPrice > 0 AS sold
FROM invoices;

-- Articles have five digits and perhaps letters; postage, samples and fees have other codes. One counts once on an invoice.
CREATE VIEW articles AS
SELECT DISTINCT InvoiceNo, StockCode FROM sales WHERE sold AND REGEXP(StockCode, '^\d{5}[A-Za-z]*$');

EXECUTE STATEMENT SET BEGIN

-- Pairs that are on fewer than 3 invoices say nothing, and are most of them.
INSERT INTO bought_together
SELECT a.StockCode, b.StockCode, COUNT(*)
FROM articles AS a
JOIN articles AS b ON a.InvoiceNo = b.InvoiceNo
WHERE a.StockCode < b.StockCode
GROUP BY a.StockCode, b.StockCode
HAVING COUNT(*) >= 3;

INSERT INTO sales_minutes
SELECT window_start, COUNT(DISTINCT InvoiceNo), COUNT(*), SUM(amount), COALESCE(SUM(amount) FILTER (WHERE sold), 0)
FROM TABLE(TUMBLE(TABLE sales, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;

INSERT INTO customer_visits
SELECT CustomerID, MIN(ts), MAX(ts), COUNT(*), SUM(amount)
FROM (SELECT * FROM SESSION(TABLE sales PARTITION BY CustomerID, DESCRIPTOR(ts), INTERVAL '30' MINUTE))
WHERE CustomerID <> ''
GROUP BY CustomerID, window_start, window_end;

END;
