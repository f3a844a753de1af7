SET 'a' = 'b;
