import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.source.SourceConnector;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;

/** Rows of a table with a growing id, each once: the id of the last one is the offset. */
public class JdbcSource extends SourceConnector {
    static final ConfigDef CONFIG = new ConfigDef()
        .define("url", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "JDBC URL")
        .define("table", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "table with id and name")
        .define("topic", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "where the rows go");
    private Map<String, String> settings;

    @Override public void start(Map<String, String> given) { settings = given; }
    @Override public void stop() { }
    @Override public String version() { return "1"; }
    @Override public ConfigDef config() { return CONFIG; }
    @Override public Class<? extends Task> taskClass() { return RowTask.class; }
    @Override public List<Map<String, String>> taskConfigs(int max) { return List.of(settings); }

    public static class RowTask extends SourceTask {
        private Map<String, String> settings;
        private Connection database;
        private long lastId;

        @Override public String version() { return "1"; }

        @Override public void start(Map<String, String> given) {
            settings = given;
            Map<String, Object> stored = context.offsetStorageReader().offset(partition());
            lastId = stored == null ? 0 : (Long) stored.get("id");
        }

        private Map<String, String> partition() { return Map.of("table", settings.get("table")); }

        @Override public List<SourceRecord> poll() throws InterruptedException {
            try {
                if (database == null) database = DriverManager.getConnection(settings.get("url"));
                String query = "SELECT id, name FROM " + settings.get("table") + " WHERE id > ? ORDER BY id LIMIT 10";
                List<SourceRecord> rows = new ArrayList<>();
                try (var statement = database.prepareStatement(query)) {
                    statement.setLong(1, lastId);
                    ResultSet found = statement.executeQuery();
                    while (found.next()) {
                        lastId = found.getLong(1);
                        String key = Long.toString(lastId);
                        rows.add(new SourceRecord(partition(), Map.of("id", lastId), settings.get("topic"), null,
                            Schema.STRING_SCHEMA, key, Schema.STRING_SCHEMA, found.getString(2)));
                    }
                }
                if (rows.isEmpty()) Thread.sleep(100);
                return rows;
            } catch (java.sql.SQLException error) {
                database = null;
                Thread.sleep(500);
                return null;
            }
        }

        @Override public void stop() { }
    }
}
