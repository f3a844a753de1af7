package leat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.runtime.minicluster.RpcServiceSharing;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.catalog.ResolvedSchema;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.TableDescriptor;
import org.apache.flink.table.api.bridge.java.StreamStatementSet;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.utils.DataTypeUtils;

/**
 * Runs many small SQL scripts on one MiniCluster. Usage: Runner cases.json answers.json. Each case has a script, records
 * [topic, key, value], a pause, and may have a query whose rows go to the topic `o` in the format debezium-json.
 */
public final class Runner {
    private static final Pattern SET = Pattern.compile("(?is)^SET\\s+'?([^'=\\s]+)'?\\s*=\\s*'?([^']*)'?$");

    static List<String> split(String text) {
        List<String> out = new ArrayList<>();
        StringBuilder b = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!quoted && c == '-' && i + 1 < text.length() && text.charAt(i + 1) == '-') {
                while (i < text.length() && text.charAt(i) != '\n') i++;
                b.append('\n');
                continue;
            }
            if (c == '\'') quoted = !quoted;
            if (c == ';' && !quoted) {
                out.add(b.toString().trim());
                b.setLength(0);
            } else {
                b.append(c);
            }
        }
        out.add(b.toString().trim());
        out.removeIf(String::isEmpty);
        return out;
    }

    private static byte[] bytes(JsonNode node) {
        return node.isNull() ? null : node.asText().getBytes(StandardCharsets.UTF_8);
    }

    private static Configuration configuration() {
        return Configuration.fromMap(Map.of(
                "parallelism.default", "1",
                "pipeline.auto-watermark-interval", "0",
                "execution.buffer-timeout.enabled", "true",
                "execution.buffer-timeout.interval", "0",
                "table.local-time-zone", "UTC",
                "restart-strategy.type", "none",
                "rest.port", "0"));
    }

    public static void main(String[] args) throws Exception {
        ObjectMapper json = new ObjectMapper();
        JsonNode cases = json.readTree(new File(args[0]));
        ArrayNode answers = json.createArrayNode();
        Configuration conf = configuration();
        conf.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(64));
        conf.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(64));
        conf.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(64));
        MiniClusterConfiguration cluster = new MiniClusterConfiguration.Builder().setConfiguration(conf)
                .setNumTaskManagers(1).setNumSlotsPerTaskManager(1).setRpcServiceSharing(RpcServiceSharing.SHARED).build();
        try (MiniCluster mini = new MiniCluster(cluster)) {
            mini.start();
            for (JsonNode one : cases) {
                ObjectNode answer = answers.addObject();
                answer.set("name", one.get("name"));
                long start = System.nanoTime();
                run(one, answer, mini);
                System.err.printf("%s: %d ms%n", one.get("name").asText(), (System.nanoTime() - start) / 1_000_000);
            }
        }
        json.writeValue(new File(args[1]), answers);
        System.exit(0);
    }

    private static String reason(Throwable e) {
        while (e.getCause() != null && e.getCause() != e) e = e.getCause();
        return (e.getClass().getSimpleName() + ": " + e.getMessage()).split("\n")[0];
    }

    private static void run(JsonNode one, ObjectNode answer, MiniCluster mini) {
        List<Topics.Record> records = new ArrayList<>();
        for (JsonNode record : one.get("records")) {
            records.add(new Topics.Record(record.get(0).asText(), bytes(record.get(1)), bytes(record.get(2))));
        }
        Topics.start(records, one.get("pause").asInt());
        StreamExecutionEnvironment env = new StreamExecutionEnvironment(configuration());
        try {
            plan(one, env);
        } catch (Throwable e) {
            answer.put("refused", reason(e));
            return;
        }
        try {
            mini.executeJobBlocking(env.getStreamGraph().getJobGraph());
        } catch (Throwable e) {
            answer.put("fails", reason(e));
            return;
        }
        ObjectNode topics = answer.putObject("topics");
        Topics.output.forEach((name, output) -> {
            ObjectNode topic = topics.putObject(name);
            topic.put("connector", output.connector);
            topic.put("format", output.format);
            ArrayNode columns = topic.putArray("columns");
            for (String[] column : output.columns) columns.addArray().add(column[0]).add(column[1]);
            ArrayNode rows = topic.putArray("records");
            for (String[] record : output.records) rows.addArray().add(record[0]).add(record[1]);
        });
    }

    private static void plan(JsonNode one, StreamExecutionEnvironment env) {
        StreamTableEnvironment tables =
                StreamTableEnvironment.create(env, EnvironmentSettings.newInstance().inStreamingMode().build());
        configuration().toMap().forEach((key, value) -> tables.getConfig().set(key, value));
        StreamStatementSet set = tables.createStatementSet();
        for (String statement : split(one.get("script").asText())) {
            Matcher setting = SET.matcher(statement);
            String upper = statement.toUpperCase(Locale.ROOT);
            int insert = upper.startsWith("EXECUTE STATEMENT SET") ? upper.indexOf("INSERT") : 0;
            if (setting.matches()) {
                tables.getConfig().set(setting.group(1), setting.group(2));
            } else if (upper.startsWith("INSERT") || insert > 0) {
                set.addInsertSql(statement.substring(insert));
            } else if (!upper.equals("END")) {
                tables.executeSql(statement);
            }
        }
        if (one.hasNonNull("query")) {
            String query = one.get("query").asText();
            ResolvedSchema schema = tables.sqlQuery(query).getResolvedSchema();
            Schema.Builder columns = Schema.newBuilder();
            for (Column column : schema.getColumns()) {
                columns.column(column.getName(), plain(column.getDataType()));
            }
            tables.createTemporaryTable("leat_answer", TableDescriptor.forConnector("kafka").schema(columns.build())
                    .option("topic", "o").option("format", "debezium-json").build());
            set.addInsertSql("INSERT INTO leat_answer " + query);
        }
        set.attachAsDataStream();
    }

    private static DataType plain(DataType type) {
        return DataTypeUtils.removeTimeAttribute(type);
    }
}
