import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/** Records become rows by their key: one that comes again changes nothing. */
public class JdbcSink extends SinkConnector {
    private Map<String, String> settings;

    @Override public void start(Map<String, String> given) { settings = given; }
    @Override public void stop() { }
    @Override public String version() { return "1"; }
    @Override public Class<? extends Task> taskClass() { return RowTask.class; }
    @Override public List<Map<String, String>> taskConfigs(int max) { return List.of(settings); }

    @Override public ConfigDef config() {
        return new ConfigDef()
            .define("url", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "JDBC URL")
            .define("table", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "table with id and name");
    }

    public static class RowTask extends SinkTask {
        private Map<String, String> settings;
        private Connection database;

        @Override public String version() { return "1"; }
        @Override public void start(Map<String, String> given) { settings = given; }
        @Override public void stop() { }

        @Override public void put(Collection<SinkRecord> records) {
            try {
                if (database == null) database = DriverManager.getConnection(settings.get("url"));
                String insert = "REPLACE INTO " + settings.get("table") + " (id, name) VALUES (?, ?)";
                try (var statement = database.prepareStatement(insert)) {
                    for (SinkRecord record : records) {
                        statement.setLong(1, Long.parseLong((String) record.key()));
                        statement.setString(2, (String) record.value());
                        statement.execute();
                    }
                }
            } catch (SQLException error) {
                database = null;
                throw new RetriableException(error);
            }
        }
    }
}
