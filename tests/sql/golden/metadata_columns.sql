CREATE TABLE m (a INT, arrived TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', part INT METADATA FROM 'partition' VIRTUAL, `offset` BIGINT METADATA VIRTUAL, WATERMARK FOR arrived AS arrived - INTERVAL '1' SECOND) WITH ('connector' = 'kafka', 'topic' = 'm', 'format' = 'json');
CREATE TABLE o (a BIGINT, arrived TIMESTAMP_LTZ(3) METADATA FROM 'timestamp') WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'csv');
INSERT INTO o SELECT `offset`, arrived FROM m WHERE part = 0;
