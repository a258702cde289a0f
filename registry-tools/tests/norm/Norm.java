import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.apache.avro.NameValidator;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;

/**
 * Java Avro's verdicts for tests/norm.rs: a question a line on standard input, an answer a line on standard output.
 *
 * {"reader":S,"writer":S} asks its checker: {"compatible":bool,"kinds":[…]}.
 * {"reader":S,"writer":S,"data":[base64,…]} asks its reader: {"read":[bool,…],"why":first failure}.
 * What is no schema: {"error":text}.
 */
public class Norm {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(answer(JSON.readTree(line)));
            // Only when nothing more waits: otherwise a write a line would be most of the work.
            if (!in.ready()) {
                out.flush();
            }
        }
        out.flush();
    }

    private static ObjectNode answer(JsonNode question) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            Schema reader = parse(question.get("reader").asText());
            Schema writer = parse(question.get("writer").asText());
            if (question.has("data")) {
                read(reader, writer, question.get("data"), answer);
            } else {
                check(reader, writer, answer);
            }
        } catch (RuntimeException | StackOverflowError error) {
            answer.put("error", String.valueOf(error));
        }
        return answer;
    }

    private static Schema parse(String text) {
        // A namespace of Open edX has a dash in it.
        return new Schema.Parser(NameValidator.NO_VALIDATION).setValidateDefaults(false).parse(text);
    }

    private static void check(Schema reader, Schema writer, ObjectNode answer) {
        SchemaCompatibility.SchemaCompatibilityResult result =
            SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getResult();
        answer.put("compatible", result.getCompatibility() == SchemaCompatibility.SchemaCompatibilityType.COMPATIBLE);
        ArrayNode kinds = answer.putArray("kinds");
        for (SchemaCompatibility.Incompatibility found : result.getIncompatibilities()) {
            kinds.add(found.getType().name());
        }
    }

    private static void read(Schema reader, Schema writer, JsonNode data, ObjectNode answer) {
        ArrayNode outcome = answer.putArray("read");
        GenericDatumReader<Object> datumReader = new GenericDatumReader<>(writer, reader);
        for (JsonNode datum : data) {
            byte[] bytes = Base64.getDecoder().decode(datum.asText());
            try {
                BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(bytes, null);
                datumReader.read(null, decoder);
                outcome.add(decoder.isEnd());
            } catch (Exception | StackOverflowError error) {
                outcome.add(false);
                if (!answer.has("why")) {
                    answer.put("why", String.valueOf(error));
                }
            }
        }
    }
}
