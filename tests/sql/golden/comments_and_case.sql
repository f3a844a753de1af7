-- a comment
/* another
 one */ create table T (A int comment 'a', `select` string) comment 'c' with ('connector' = 'datagen'); Explain Select `select`, A From T;
