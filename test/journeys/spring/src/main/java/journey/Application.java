package journey;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.kafka.annotation.DltHandler;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.annotation.RetryableTopic;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.core.ProducerFactory;
import org.springframework.retry.annotation.Backoff;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** Orders go to two groups, payments are tried again and given up, pairs are written in a transaction. */
@SpringBootApplication
@RestController
public class Application {
    private final Map<String, List<String>> seen = new ConcurrentHashMap<>();
    private final KafkaTemplate<String, String> template;
    private final KafkaTemplate<String, String> transactional;

    public Application(KafkaTemplate<String, String> template, ProducerFactory<String, String> factory) {
        this.template = template;
        var own = new DefaultKafkaProducerFactory<String, String>(factory.getConfigurationProperties());
        own.setTransactionIdPrefix("journey-");
        this.transactional = new KafkaTemplate<>(own);
    }

    public static void main(String[] args) {
        SpringApplication.run(Application.class, args);
    }

    private void note(String where, String value) {
        seen.computeIfAbsent(where, key -> new CopyOnWriteArrayList<>()).add(value);
    }

    @GetMapping("/seen")
    public Map<String, List<String>> seen() {
        return seen;
    }

    @PostMapping("/{topic}/{value}")
    public long send(@PathVariable String topic, @PathVariable String value) throws Exception {
        return template.send(topic, value).get().getRecordMetadata().offset();
    }

    @PostMapping("/pairs/{value}/{fate}")
    public boolean pair(@PathVariable String value, @PathVariable String fate) {
        try {
            return transactional.executeInTransaction(operations -> {
                operations.send("pairs", value + "-1");
                operations.send("pairs", value + "-2");
                if (fate.equals("abort")) throw new IllegalStateException(value);
                return true;
            });
        } catch (IllegalStateException error) {
            return false;
        }
    }

    @KafkaListener(topics = "orders", groupId = "billing")
    public void billing(String value) {
        note("billing", value);
    }

    @KafkaListener(topics = "orders", groupId = "shipping")
    public void shipping(String value) {
        note("shipping", value);
    }

    @RetryableTopic(attempts = "3", backoff = @Backoff(delay = 200))
    @KafkaListener(topics = "payments", groupId = "payments")
    public void pay(String value) {
        note("tried", value);
        if (value.startsWith("bad")) throw new IllegalStateException(value);
        note("paid", value);
    }

    @DltHandler
    public void giveUp(String value) {
        note("givenUp", value);
    }

    @KafkaListener(topics = "pairs", groupId = "pairs", properties = "isolation.level=read_committed")
    public void pairs(String value) {
        note("pairs", value);
    }
}
