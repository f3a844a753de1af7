import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Writes one record in a transaction and leaves without ending it: BOOTSTRAP TOPIC TRANSACTIONAL_ID VALUE. */
public final class OpenTransaction {
  private OpenTransaction() {}

  public static void main(String[] arguments) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", arguments[0]);
    config.put("transactional.id", arguments[2]);
    KafkaProducer<String, String> producer =
        new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    producer.initTransactions();
    producer.beginTransaction();
    producer.send(new ProducerRecord<>(arguments[1], 0, null, arguments[3])).get();
    // Without patience it does not abort what is open.
    producer.close(Duration.ZERO);
  }
}
