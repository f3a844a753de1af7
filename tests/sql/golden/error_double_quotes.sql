SELECT "a" = 1;
