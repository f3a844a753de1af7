SET 'table.local-time-zone' = 'Europe/Nowhere';
