import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Confluent's Parallel Consumer in KEY mode over a topic that is there already.
 *
 * <p>Arguments: bootstrap servers, topic, group, records, most microseconds of a handler (0: it does nothing), handlers at
 * once, messageBufferSize. Prints one line of JSON: seconds from the first call to the end of the last, and the largest sum
 * of measured durations of one key.
 */
public final class KeyedPeer {
    public static void main(String[] args) throws Exception {
        String topic = args[1];
        long count = Long.parseLong(args[3]);
        long micros = Long.parseLong(args[4]);
        var random = new Random(2);
        var ofKey = new ConcurrentHashMap<String, LongAdder>();
        var first = new AtomicLong(Long.MAX_VALUE);
        var last = new AtomicLong(Long.MIN_VALUE);
        var handled = new AtomicLong();
        var done = new CountDownLatch(1);
        var consumer = new KafkaConsumer<>(
                Map.<String, Object>of(
                        "bootstrap.servers", args[0],
                        "group.id", args[2],
                        "auto.offset.reset", "earliest",
                        "enable.auto.commit", "false",
                        "isolation.level", "read_committed",
                        "max.poll.records", "5000"),
                new StringDeserializer(),
                new ByteArrayDeserializer());
        var options = ParallelConsumerOptions.<String, byte[]>builder()
                .consumer(consumer)
                .ordering(ProcessingOrder.KEY)
                .maxConcurrency(Integer.parseInt(args[5]))
                .messageBufferSize(Integer.parseInt(args[6]))
                .build();
        var processor = ParallelStreamProcessor.createEosStreamProcessor(options);
        processor.subscribe(List.of(topic));
        processor.poll(context -> {
            long began = System.nanoTime();
            first.accumulateAndGet(began, Math::min);
            if (micros > 0) {
                long until = began + random.nextLong(micros * 1000);
                for (long left = until - began; left > 0; left = until - System.nanoTime()) {
                    LockSupport.parkNanos(left);
                }
                long took = System.nanoTime() - began;
                ofKey.computeIfAbsent(context.key(), key -> new LongAdder()).add(took);
            }
            last.accumulateAndGet(System.nanoTime(), Math::max);
            if (handled.incrementAndGet() == count) {
                done.countDown();
            }
        });
        boolean complete = done.await(300, TimeUnit.SECONDS);
        long ideal = ofKey.values().stream().mapToLong(LongAdder::sum).max().orElse(0);
        System.out.printf("{\"handled\":%d,\"seconds\":%.6f,\"ideal\":%.6f}%n",
                handled.get(), (last.get() - first.get()) / 1e9, ideal / 1e9);
        System.out.flush();
        Runtime.getRuntime().halt(complete ? 0 : 1);
    }
}
