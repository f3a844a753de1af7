CREATE TABLE t (k STRING) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE VIEW v AS SELECT k FROM t;
SET 'table.exec.emit.allow-lateness' = '1 min';
