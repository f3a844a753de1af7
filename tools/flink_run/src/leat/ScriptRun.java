package leat;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.bridge.java.StreamStatementSet;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * Runs one SQL script to its end, in this JVM, as one job: ScriptRun ITERATIONS SCRIPT [-Dkey=value ...]. For each iteration it
 * prints a line of JSON: what the job took from the moment at which the cluster had accepted it, and the peak of the
 * JVM's memory so far. The first iteration has a cold JVM.
 */
public final class ScriptRun {
    private static final Pattern SET = Pattern.compile("(?is)^SET\\s+'?([^'=\\s]+)'?\\s*=\\s*'?([^']*)'?$");

    private ScriptRun() {}

    /** Statements without comments; a semicolon or two dashes within a text literal belong to it. */
    private static List<String> statements(String script) {
        List<String> all = new ArrayList<>();
        StringBuilder one = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < script.length(); i++) {
            char c = script.charAt(i);
            if (!quoted && script.startsWith("--", i)) {
                int end = script.indexOf('\n', i);
                i = end < 0 ? script.length() : end;
                one.append(' ');
            } else if (!quoted && c == ';') {
                all.add(one.toString().trim());
                one.setLength(0);
            } else {
                quoted ^= c == '\'';
                one.append(c);
            }
        }
        all.add(one.toString().trim());
        all.removeIf(String::isEmpty);
        return all;
    }

    private static void plan(StreamTableEnvironment tables, String script) {
        StreamStatementSet inserts = tables.createStatementSet();
        for (String statement : statements(script)) {
            Matcher setting = SET.matcher(statement);
            String upper = statement.toUpperCase(Locale.ROOT);
            boolean opens = upper.startsWith("EXECUTE STATEMENT SET") || upper.startsWith("BEGIN STATEMENT SET");
            if (setting.matches()) {
                tables.getConfig().set(setting.group(1), setting.group(2));
            } else if (opens || upper.startsWith("INSERT")) {
                int insert = opens ? upper.indexOf("INSERT") : 0;
                if (insert >= 0) inserts.addInsertSql(statement.substring(insert));
            } else if (!upper.equals("END")) {
                tables.executeSql(statement);
            }
        }
        inserts.attachAsDataStream();
    }

    private static long peakKib() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
        throw new IOException("/proc/self/status has no VmHWM");
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> settings = new TreeMap<>();
        for (int i = 2; i < args.length; i++) {
            int equals = args[i].indexOf('=');
            settings.put(args[i].substring(2, equals), args[i].substring(equals + 1));
        }
        String script = Files.readString(Path.of(args[1]));
        OperatingSystemMXBean process = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        for (int iteration = 1; iteration <= Integer.parseInt(args[0]); iteration++) {
            StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(Configuration.fromMap(settings));
            StreamTableEnvironment tables =
                    StreamTableEnvironment.create(env, EnvironmentSettings.newInstance().inStreamingMode().build());
            settings.forEach((key, value) -> tables.getConfig().set(key, value));
            long submitted = System.nanoTime();
            plan(tables, script);
            JobClient job = env.executeAsync("script");
            long accepted = System.nanoTime();
            long cpu = process.getProcessCpuTime();
            job.getJobExecutionResult().get();
            System.out.printf(Locale.ROOT, "{\"iteration\":%d,\"start_s\":%.3f,\"wall_s\":%.3f,\"cpu_s\":%.3f,\"peak_mb\":%.0f}%n",
                    iteration, (accepted - submitted) / 1e9, (System.nanoTime() - accepted) / 1e9,
                    (process.getProcessCpuTime() - cpu) / 1e9, peakKib() * 1024 / 1e6);
        }
        System.exit(0);
    }
}
