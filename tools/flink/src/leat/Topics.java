package leat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The topics of the case that is running. One case at a time; everything runs in one JVM. */
final class Topics {
    static final class Record {
        final String topic;
        final byte[] key;
        final byte[] value;

        Record(String topic, byte[] key, byte[] value) {
            this.topic = topic;
            this.key = key;
            this.value = value;
        }
    }

    /** A table that was written: what its records are, and the records. */
    static final class Output {
        final List<String[]> columns = new ArrayList<>();
        String connector;
        String format;
        final List<String[]> records = new ArrayList<>();
    }

    static volatile List<Record> input = List.of();
    static final Map<String, Output> output = new LinkedHashMap<>();
    static final AtomicInteger readers = new AtomicInteger();
    static volatile int pauseMs = 10;
    private static CyclicBarrier barrier;

    static synchronized void start(List<Record> records, int pause) {
        input = records;
        pauseMs = pause;
        output.clear();
        readers.set(0);
        barrier = null;
    }

    private static synchronized CyclicBarrier barrier() {
        if (barrier == null) barrier = new CyclicBarrier(Math.max(1, readers.get()));
        return barrier;
    }

    /**
     * Behind each record of the input, whoever read it: all readers meet, and wait until the record has gone through the
     * job, so that several inputs have one order.
     */
    static void endOfTurn() throws Exception {
        CyclicBarrier all = barrier();
        all.await(30, TimeUnit.SECONDS);
        if (all.getParties() > 1) Thread.sleep(pauseMs);
    }
}
