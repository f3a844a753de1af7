/** The Java client against a broker. */
final class Suite {
  private Suite() {}

  public static void main(String[] arguments) {
    Tests tests = new Tests();
    RecordTests.addTo(tests);
    AdminTests.addTo(tests);
    GroupTests.addTo(tests);
    TransactionTests.addTo(tests);
    tests.runAndExit();
  }
}
