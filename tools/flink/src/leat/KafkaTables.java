package leat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.serialization.RuntimeContextInitializationContextAdapters;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.legacy.RichSinkFunction;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.format.EncodingFormat;
import org.apache.flink.table.connector.sink.DataStreamSinkProvider;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.source.DataStreamScanProvider;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.factories.SerializationFormatFactory;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.RowKind;

/** Tables of the connector `kafka` over Topics; the formats are Flink's own. */
public class KafkaTables implements DynamicTableSourceFactory, DynamicTableSinkFactory {
    static final ConfigOption<String> TOPIC = ConfigOptions.key("topic").stringType().noDefaultValue();
    static final ConfigOption<String> VALUE_FORMAT = ConfigOptions.key("value.format").stringType().noDefaultValue();
    static final ConfigOption<String> KEY_FORMAT = ConfigOptions.key("key.format").stringType().noDefaultValue();

    boolean upsert() {
        return false;
    }

    @Override
    public String factoryIdentifier() {
        return "kafka";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(TOPIC);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of(FactoryUtil.FORMAT, VALUE_FORMAT, KEY_FORMAT);
    }

    @Override
    public DynamicTableSource createDynamicTableSource(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        DecodingFormat<DeserializationSchema<RowData>> value =
                helper.discoverOptionalDecodingFormat(DeserializationFormatFactory.class, FactoryUtil.FORMAT)
                        .orElseGet(() -> helper.discoverDecodingFormat(DeserializationFormatFactory.class, VALUE_FORMAT));
        DecodingFormat<DeserializationSchema<RowData>> key = upsert()
                ? helper.discoverDecodingFormat(DeserializationFormatFactory.class, KEY_FORMAT) : null;
        return new Source(helper.getOptions().get(TOPIC), context.getPhysicalRowDataType(), value, key,
                context.getPrimaryKeyIndexes());
    }

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        EncodingFormat<SerializationSchema<RowData>> value =
                helper.discoverOptionalEncodingFormat(SerializationFormatFactory.class, FactoryUtil.FORMAT)
                        .orElseGet(() -> helper.discoverEncodingFormat(SerializationFormatFactory.class, VALUE_FORMAT));
        EncodingFormat<SerializationSchema<RowData>> key = upsert()
                ? helper.discoverEncodingFormat(SerializationFormatFactory.class, KEY_FORMAT) : null;
        Topics.Output output = new Topics.Output();
        output.connector = factoryIdentifier();
        output.format = helper.getOptions().getOptional(FactoryUtil.FORMAT)
                .orElseGet(() -> helper.getOptions().get(VALUE_FORMAT));
        for (Column column : context.getCatalogTable().getResolvedSchema().getColumns()) {
            if (!column.isPersisted()) continue;
            output.columns.add(new String[] {column.getName(), column.getDataType().getLogicalType().asSummaryString()});
        }
        String topic = helper.getOptions().get(TOPIC);
        return new Sink(topic, output, context.getPhysicalRowDataType(), value, key, context.getPrimaryKeyIndexes());
    }

    static RowData.FieldGetter[] getters(DataType row, int[] places) {
        return Arrays.stream(places)
                .mapToObj(i -> RowData.createFieldGetter(row.getLogicalType().getChildren().get(i), i))
                .toArray(RowData.FieldGetter[]::new);
    }

    static DataType project(DataType row, int[] places) {
        DataTypes.Field[] fields = Arrays.stream(places)
                .mapToObj(i -> DataTypes.FIELD(DataType.getFieldNames(row).get(i), DataType.getFieldDataTypes(row).get(i)))
                .toArray(DataTypes.Field[]::new);
        return DataTypes.ROW(fields).notNull();
    }

    private static final class Source implements ScanTableSource {
        private final String topic;
        private final DataType type;
        private final DecodingFormat<DeserializationSchema<RowData>> value;
        private final DecodingFormat<DeserializationSchema<RowData>> key;
        private final int[] keyPlaces;

        Source(String topic, DataType type, DecodingFormat<DeserializationSchema<RowData>> value,
               DecodingFormat<DeserializationSchema<RowData>> key, int[] keyPlaces) {
            this.topic = topic;
            this.type = type;
            this.value = value;
            this.key = key;
            this.keyPlaces = keyPlaces;
        }

        @Override
        public ChangelogMode getChangelogMode() {
            return key != null ? ChangelogMode.upsert() : value.getChangelogMode();
        }

        @Override
        public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
            DeserializationSchema<RowData> decoder = value.createRuntimeDecoder(context, type);
            DataType keyType = project(type, keyPlaces);
            DeserializationSchema<RowData> keyDecoder = key == null ? null : key.createRuntimeDecoder(context, keyType);
            int[] all = new int[keyPlaces.length];
            for (int i = 0; i < all.length; i++) all[i] = i;
            Feed feed = new Feed(topic, decoder, keyDecoder, getters(keyType, all), keyPlaces, DataType.getFieldCount(type));
            return new DataStreamScanProvider() {
                @Override
                public DataStream<RowData> produceDataStream(ProviderContext provider, StreamExecutionEnvironment env) {
                    Topics.readers.incrementAndGet();
                    return env.addSource(feed, "read " + topic, InternalTypeInfo.of((RowType) type.getLogicalType()))
                            .setParallelism(1);
                }

                @Override
                public boolean isBounded() {
                    return true;
                }
            };
        }

        @Override
        public DynamicTableSource copy() {
            return new Source(topic, type, value, key, keyPlaces);
        }

        @Override
        public String asSummaryString() {
            return "topic " + topic;
        }
    }

    private static final class Sink implements DynamicTableSink {
        private final String topic;
        private final Topics.Output output;
        private final DataType type;
        private final EncodingFormat<SerializationSchema<RowData>> value;
        private final EncodingFormat<SerializationSchema<RowData>> key;
        private final int[] keyPlaces;

        Sink(String topic, Topics.Output output, DataType type, EncodingFormat<SerializationSchema<RowData>> value,
             EncodingFormat<SerializationSchema<RowData>> key, int[] keyPlaces) {
            this.topic = topic;
            this.output = output;
            this.type = type;
            this.value = value;
            this.key = key;
            this.keyPlaces = keyPlaces;
        }

        @Override
        public ChangelogMode getChangelogMode(ChangelogMode requested) {
            return key != null ? ChangelogMode.upsert() : value.getChangelogMode();
        }

        @Override
        public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
            SerializationSchema<RowData> encoder = value.createRuntimeEncoder(context, type);
            SerializationSchema<RowData> keyEncoder =
                    key == null ? null : key.createRuntimeEncoder(context, project(type, keyPlaces));
            Topics.output.put(topic, output);
            Collect collect = new Collect(topic, encoder, keyEncoder, getters(type, keyPlaces));
            return new DataStreamSinkProvider() {
                @Override
                public DataStreamSink<?> consumeDataStream(ProviderContext provider, DataStream<RowData> rows) {
                    return rows.addSink(collect).setParallelism(1);
                }
            };
        }

        @Override
        public DynamicTableSink copy() {
            return new Sink(topic, output, type, value, key, keyPlaces);
        }

        @Override
        public String asSummaryString() {
            return "topic " + topic;
        }
    }

    private static final class Collect extends RichSinkFunction<RowData> {
        private static final long serialVersionUID = 1;
        private final String topic;
        private final SerializationSchema<RowData> value;
        private final SerializationSchema<RowData> key;
        private final RowData.FieldGetter[] keyFields;

        Collect(String topic, SerializationSchema<RowData> value, SerializationSchema<RowData> key,
                RowData.FieldGetter[] keyFields) {
            this.topic = topic;
            this.value = value;
            this.key = key;
            this.keyFields = keyFields;
        }

        @Override
        public void open(OpenContext context) throws Exception {
            var adapter = RuntimeContextInitializationContextAdapters.serializationAdapter(getRuntimeContext());
            value.open(adapter);
            if (key != null) key.open(adapter);
        }

        @Override
        public void invoke(RowData row, Context context) {
            String keyText = null;
            String valueText = null;
            if (key != null) {
                if (row.getRowKind() == RowKind.UPDATE_BEFORE) return;
                GenericRowData keyRow = new GenericRowData(keyFields.length);
                for (int i = 0; i < keyFields.length; i++) keyRow.setField(i, keyFields[i].getFieldOrNull(row));
                keyText = new String(key.serialize(keyRow), StandardCharsets.UTF_8);
                boolean deleted = row.getRowKind() == RowKind.DELETE;
                row.setRowKind(RowKind.INSERT);
                if (!deleted) valueText = new String(value.serialize(row), StandardCharsets.UTF_8);
            } else {
                byte[] bytes = value.serialize(row);
                valueText = bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
            }
            synchronized (Topics.output) {
                Topics.output.get(topic).records.add(new String[] {keyText, valueText});
            }
        }
    }
}
