package leat;

import java.util.List;
import org.apache.flink.api.common.functions.util.ListCollector;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.serialization.RuntimeContextInitializationContextAdapters;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.source.legacy.RichSourceFunction;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.types.RowKind;

/** Reads one topic of Topics, in the order of all input. */
final class Feed extends RichSourceFunction<RowData> {
    private static final long serialVersionUID = 1;
    private final String topic;
    private final DeserializationSchema<RowData> value;
    private final DeserializationSchema<RowData> key;  // upsert-kafka only
    private final RowData.FieldGetter[] keyFields;
    private final int[] keyPlaces;
    private final int columns;
    private volatile boolean running = true;

    Feed(String topic, DeserializationSchema<RowData> value, DeserializationSchema<RowData> key,
         RowData.FieldGetter[] keyFields, int[] keyPlaces, int columns) {
        this.topic = topic;
        this.value = value;
        this.key = key;
        this.keyFields = keyFields;
        this.keyPlaces = keyPlaces;
        this.columns = columns;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        var adapter = RuntimeContextInitializationContextAdapters.deserializationAdapter(getRuntimeContext());
        value.open(adapter);
        if (key != null) key.open(adapter);
    }

    @Override
    public void run(SourceContext<RowData> context) throws Exception {
        for (Topics.Record record : Topics.input) {
            if (!running) return;
            if (record.topic.equals(topic)) {
                List<RowData> rows = new java.util.ArrayList<>();
                read(record, rows);
                rows.removeIf(row -> row == null);  // what ignore-parse-errors leaves out
                synchronized (context.getCheckpointLock()) {
                    for (RowData row : rows) context.collect(row);
                }
            }
            Topics.endOfTurn();
        }
    }

    private void read(Topics.Record record, List<RowData> rows) throws Exception {
        if (key == null) {
            if (record.value != null) value.deserialize(record.value, new ListCollector<>(rows));
            return;
        }
        if (record.value != null) {
            value.deserialize(record.value, new ListCollector<>(rows));
            for (RowData row : rows) row.setRowKind(RowKind.UPDATE_AFTER);
            return;
        }
        RowData keyRow = key.deserialize(record.key);
        GenericRowData row = new GenericRowData(RowKind.DELETE, columns);
        for (int i = 0; i < keyPlaces.length; i++) row.setField(keyPlaces[i], keyFields[i].getFieldOrNull(keyRow));
        rows.add(row);
    }

    @Override
    public void cancel() {
        running = false;
    }
}
