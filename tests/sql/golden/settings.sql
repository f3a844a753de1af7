SET 'pipeline.name' = 'my job';
SET execution.checkpointing.interval = 10 s;
SET 'table.exec.state.ttll' = '1 d';
SET 'x' = 'y';
RESET 'x';
