package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import imagesuperscaling.client.TestServer.Answer;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Estimates: what is asked, and what answers mean. */
class EstimateTest {
    private static final String ANSWER = """
            {"width": 8000, "height": 6000, "tiles": 432, "seconds": 61.25, "queueSeconds": 2.5, "ahead": 1,
             "plain": false, "stream": true, "job": true, "later": null}
            """;

    @Test
    void anEstimateIsWhatTheServiceSays() throws Exception {
        try (TestServer server = new TestServer(Answer.json(ANSWER))) {
            Estimate expected = new Estimate(
                    8000, 6000, 432, Duration.ofMillis(61_250), Duration.ofMillis(2500), 1, false, true, true);
            assertEquals(expected, UpscaleClient.of(server.url()).estimate(4000, 3000));
            assertEquals("/estimate?width=4000&height=3000", server.only().uri());
        }
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", value = {
        "1, 3, -, -, -, scale=3",
        "7, -, 2000, -, -, frames=7&targetWidth=2000",
        "1, -, 20, 10, COVER, fit=cover&targetWidth=20&targetHeight=10",
        "1, -, -, 10, -, targetHeight=10"
    })
    void widthAndHeightOfTheOutputHaveOtherNames(
            int frames, Double scale, Integer width, Integer height, Fit fit, String query) throws Exception {
        UpscaleOptions options = new UpscaleOptions(null, 80, null, scale, width, height, fit, null, null);
        try (TestServer server = new TestServer(Answer.json(ANSWER))) {
            UpscaleClient.of(server.url()).estimate(40, 30, frames, options);
            assertEquals("/estimate?width=40&height=30&" + query, server.only().uri());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{}", "{\"width\": \"8000\"}"})
    void aMalformedEstimateIsTheOneException(String body) {
        try (TestServer server = new TestServer(Answer.json(body))) {
            UpscaleException failure = assertThrows(
                    UpscaleException.class, () -> UpscaleClient.of(server.url()).estimate(40, 30));
            assertEquals(200, failure.status());
        }
    }
}
