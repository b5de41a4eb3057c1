package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Events as the HTML standard has them. {@code n}, {@code r}: line breaks. */
class EventParserTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "event: a\\ndata: 1\\n\\n | a=1",
        "event:a\\rdata:1\\r\\r | a=1",
        "event: a\\r\\ndata: 1\\r\\n\\r\\nevent: b\\r\\ndata: 2\\r\\n\\r\\n | a=1,b=2",
        "data: 1\\n\\n | =1",
        "event: a\\ndata:  1 \\ndata\\ndata: 2\\n\\n | a= 1 //2",
        "event: a\\nevent: b\\ndata: ä: 1\\n\\n | b=ä: 1",
        "event: a\\n\\ndata: 1\\n\\n | =1",
        ": comment\\n\\nid: 7\\nretry: 3\\nnonsense\\ndata: 1\\n\\n | =1",
        "data: 1\\n\\ndata: cut off\\n | =1",
        "data: 1\\n\\n\\n\\nevent: a\\ndata: 2\\n\\n | =1,a=2"
    })
    void eventsAreFoundHoweverTheyArrive(String stream, String expected) throws Exception {
        byte[] bytes = stream.strip().replace("\\n", "\n").replace("\\r", "\r").getBytes(StandardCharsets.UTF_8);
        for (int size : new int[] {1, 2, 3, 1000}) {
            List<String> heard = new ArrayList<>();
            EventParser parser =
                    new EventParser((name, data) -> heard.add(name + "=" + data.replace("\n", "/")), 1000);
            for (int start = 0; start < bytes.length; start += size) {
                parser.feed(ByteBuffer.wrap(bytes, start, Math.min(size, bytes.length - start)));
            }
            assertEquals(expected, String.join(",", heard), "in pieces of " + size);
        }
    }
}
