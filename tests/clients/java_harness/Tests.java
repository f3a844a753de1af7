import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/** A list of named tests, the checks they make, and the count in the last line. */
final class Tests {
  interface Body {
    void run() throws Exception;
  }

  static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1;

    Failure(String text) {
      super(text);
    }
  }

  private final Map<String, Body> tests = new LinkedHashMap<>();

  void add(String name, Body body) {
    tests.put(name, body);
  }

  static String bootstrap() {
    return System.getenv().getOrDefault("BOOTSTRAP", "127.0.0.1:9092");
  }

  /** Unique to this run: topics, groups and transactional ids. */
  static String name(String stem) {
    return System.getenv().getOrDefault("SUITE", "java") + "-" + stem + "-" + System.getenv().getOrDefault("RUN_ID", "0");
  }

  static void holds(boolean condition, String what) {
    if (!condition) {
      throw new Failure("expected " + what);
    }
  }

  static void equal(Object found, Object expected, String what) {
    if (!Objects.equals(found, expected)) {
      throw new Failure(what + ": expected " + shorten(expected) + ", got " + shorten(found));
    }
  }

  /** Runs the body, which must fail with this exception, itself or as the cause. */
  static void fails(Class<? extends Exception> expected, Body body) {
    try {
      body.run();
    } catch (Exception error) {
      for (Throwable cause = error; cause != null; cause = cause.getCause()) {
        if (expected.isInstance(cause)) {
          return;
        }
      }
      throw new Failure("expected " + expected.getSimpleName() + ", got " + error);
    }
    throw new Failure("expected " + expected.getSimpleName() + ", and nothing failed");
  }

  private static String shorten(Object value) {
    String text = String.valueOf(value);
    return text.length() < 400 ? text : text.substring(0, 400) + "... (" + text.length() + " characters)";
  }

  /** For loops that poll. */
  static final class Deadline {
    private final long end = System.nanoTime() + 40_000_000_000L;

    boolean holds(String what) {
      if (System.nanoTime() > end) {
        throw new Failure("expected " + what + ", and it did not happen in time");
      }
      return true;
    }
  }

  void runAndExit() {
    Pattern only = Pattern.compile(System.getenv().getOrDefault("ONLY", ""));
    int passed = 0;
    int failed = 0;
    for (Map.Entry<String, Body> test : tests.entrySet()) {
      if (!only.matcher(test.getKey()).find()) {
        continue;
      }
      long start = System.nanoTime();
      try {
        test.getValue().run();
        System.out.println("ok " + test.getKey() + " (" + (System.nanoTime() - start) / 1_000_000 + " ms)");
        passed++;
      } catch (Exception | AssertionError error) {
        System.out.println("FAILED " + test.getKey() + ": " + error);
        StackTraceElement[] trace = error.getStackTrace();
        for (int i = 0; i < Math.min(trace.length, 12); i++) {
          if (!trace[i].getClassName().startsWith("org.apache") && !trace[i].getClassName().startsWith("java.")) {
            System.out.println("    at " + trace[i]);
          }
        }
        failed++;
      }
    }
    System.out.println(passed + " passed, " + failed + " failed");
    System.out.flush();
    Runtime.getRuntime().halt(failed == 0 ? 0 : 1);
  }
}
