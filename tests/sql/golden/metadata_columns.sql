CREATE TABLE m (a INT, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', part INT METADATA FROM 'partition' VIRTUAL, `offset` BIGINT METADATA VIRTUAL, WATERMARK FOR at AS at - INTERVAL '1' SECOND) WITH ('connector' = 'kafka', 'topic' = 'm', 'format' = 'json');
CREATE TABLE o (a BIGINT, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp') WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'csv');
INSERT INTO o SELECT `offset`, at FROM m WHERE part = 0;
