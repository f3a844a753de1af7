import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs the main methods of Kafka's tools one after the other in one process. A line of its input is one run: the class, the
 * standard input and the arguments, each in base 64 ("-" is the empty text). The answer is a line with the exit code, the
 * standard output and the standard error.
 */
final class ToolServer {
  private static final class Ended extends RuntimeException {
    private static final long serialVersionUID = 1;

    Ended(int code) {
      super("the tool ended with " + code, null, false, false);
    }
  }

  /** Of the first exit: tools catch what ends them here and exit again, as after an error. */
  private static Integer exitCode;

  private static final List<Runnable> HOOKS = new ArrayList<>();

  private ToolServer() {}

  private static void end(int code) {
    exitCode = exitCode == null ? code : exitCode;
    throw new Ended(exitCode);
  }

  public static void main(String[] unused) throws Exception {
    Exit.setExitProcedure((code, message) -> end(code));
    Exit.setHaltProcedure((code, message) -> end(code));
    // Some tools flush and close their clients in a hook.
    Exit.setShutdownHookAdder((name, hook) -> HOOKS.add(hook));
    PrintStream answers = System.out;
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      answers.println(run(Arrays.stream(line.split(" ")).map(ToolServer::decode).toArray(String[]::new)));
      answers.flush();
    }
    Runtime.getRuntime().halt(0);
  }

  private static String decode(String word) {
    return word.equals("-") ? "" : new String(Base64.getDecoder().decode(word), StandardCharsets.UTF_8);
  }

  private static String run(String[] words) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    System.setIn(new ByteArrayInputStream(words[1].getBytes(StandardCharsets.UTF_8)));
    exitCode = null;
    int code = 0;
    try {
      Method main = Class.forName(words[0]).getMethod("main", String[].class);
      main.invoke(null, (Object) Arrays.copyOfRange(words, 2, words.length));
    } catch (InvocationTargetException error) {
      code = codeOf(error.getCause());
    }
    HOOKS.forEach(Runnable::run);
    HOOKS.clear();
    System.out.flush();
    System.err.flush();
    Base64.Encoder encoder = Base64.getEncoder();
    return code + " " + encoder.encodeToString(out.toByteArray()) + " " + encoder.encodeToString(err.toByteArray());
  }

  private static int codeOf(Throwable error) {
    if (exitCode == null) {
      error.printStackTrace();
      return 1;
    }
    return exitCode;
  }
}
