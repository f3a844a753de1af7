CREATE TABLE t (
  id BIGINT, name STRING, price DECIMAL(10, 2), c AS id + 1,
  ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE CATALOG c WITH ('type' = 'generic_in_memory', 'default-database' = 'base');
CREATE DATABASE IF NOT EXISTS c.d COMMENT 'x';
SHOW CATALOGS; SHOW DATABASES;
USE CATALOG c; SHOW CURRENT DATABASE; USE d; SHOW CURRENT CATALOG; SHOW CURRENT DATABASE; SHOW DATABASES;
CREATE TABLE t (a INT) WITH ('connector' = 'print');
CREATE VIEW v AS SELECT id, name FROM default_catalog.default_database.t;
SHOW TABLES; SHOW VIEWS; DESC v;
EXPLAIN INSERT INTO c.d.t SELECT CAST(id AS INT) FROM v;
USE CATALOG default_catalog; SHOW TABLES;
DROP DATABASE c.d CASCADE; DROP CATALOG IF EXISTS c;
