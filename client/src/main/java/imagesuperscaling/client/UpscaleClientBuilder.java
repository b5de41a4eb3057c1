package imagesuperscaling.client;

import java.net.URI;
import java.time.Duration;
import java.util.Objects;

/** The settings of an {@link UpscaleClient}, each with its default. */
public final class UpscaleClientBuilder {
    /** Larger than what the service makes of its largest picture in the usual formats. */
    private static final int MOST_BYTES = 512 << 20;

    private final String base;
    private Wire wire = Wire.JSON;
    private Duration connectTimeout = Duration.ofSeconds(10);
    // Longer than the service takes at most by its own settings (90 s), so that its answer is heard.
    private Duration requestTimeout = Duration.ofSeconds(150);
    private int retries = 3;
    private Duration longestWait = Duration.ofSeconds(60);
    private int mostBytes = MOST_BYTES;

    UpscaleClientBuilder(String baseUrl) {
        URI uri = URI.create(baseUrl);
        boolean web = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
        if (!web || uri.getHost() == null) {
            throw new IllegalArgumentException(baseUrl + " is not a URL such as http://localhost:7777");
        }
        if (uri.getRawQuery() != null || uri.getRawFragment() != null || uri.getRawUserInfo() != null) {
            throw new IllegalArgumentException(baseUrl + " has more than a scheme, a host, a port and a path");
        }
        base = baseUrl.replaceAll("/+$", "");
    }

    /**
     * In which form pictures travel.
     *
     * @param value default {@link Wire#JSON}
     * @return these settings
     */
    public UpscaleClientBuilder wire(Wire value) {
        wire = Objects.requireNonNull(value, "wire");
        return this;
    }

    /**
     * How long a connection may take to be made.
     *
     * @param value more than zero; default 10 s
     * @return these settings
     * @throws IllegalArgumentException if it is less than a millisecond
     */
    public UpscaleClientBuilder connectTimeout(Duration value) {
        connectTimeout = positive("connectTimeout", value);
        return this;
    }

    /**
     * How long each try may take as a whole, from connecting to the answer's last byte.
     *
     * @param value more than zero; default 150 s: sending 30 s and working 90 s at most, by the service's defaults, and
     *     some for the answer
     * @return these settings
     * @throws IllegalArgumentException if it is less than a millisecond
     */
    public UpscaleClientBuilder requestTimeout(Duration value) {
        requestTimeout = positive("requestTimeout", value);
        return this;
    }

    /**
     * How many times a request is tried again after the first, where the answer was 429 or 503.
     *
     * @param value 0 or more; default 3
     * @return these settings
     * @throws IllegalArgumentException if it is negative
     */
    public UpscaleClientBuilder retries(int value) {
        if (value < 0) {
            throw new IllegalArgumentException("retries is " + value + ", must be 0 or more");
        }
        retries = value;
        return this;
    }

    /**
     * The longest wait before each further try. Where the service asks for more, its answer is thrown at once.
     *
     * @param value zero or more; default 60 s
     * @return these settings
     * @throws IllegalArgumentException if it is negative
     */
    public UpscaleClientBuilder longestWait(Duration value) {
        if (value.isNegative()) {
            throw new IllegalArgumentException("longestWait is " + value + ", must be zero or more");
        }
        longestWait = value;
        return this;
    }

    /**
     * The most bytes of an answer that are taken; the client hangs up on more. While an answer is read, it takes two to
     * three times its size of the heap, and as JSON five times.
     *
     * @param value 1 to 2,000,000,000; default 512 MiB
     * @return these settings
     * @throws IllegalArgumentException if it is not
     */
    public UpscaleClientBuilder mostAnswerBytes(int value) {
        if (value < 1 || value > 2_000_000_000) {
            throw new IllegalArgumentException("mostAnswerBytes is " + value + ", must be 1 to 2,000,000,000");
        }
        mostBytes = value;
        return this;
    }

    /**
     * Makes the client. Nothing is connected yet.
     *
     * @return a client with these settings
     */
    public UpscaleClient build() {
        return new UpscaleClient(this);
    }

    String base() {
        return base;
    }

    Wire wire() {
        return wire;
    }

    int retries() {
        return retries;
    }

    Duration longestWait() {
        return longestWait;
    }

    Transport transport() {
        return new Transport(connectTimeout, requestTimeout, mostBytes);
    }

    private static Duration positive(String name, Duration value) {
        if (value.toMillis() < 1) {
            throw new IllegalArgumentException(name + " is " + value + ", must be more than zero");
        }
        return value;
    }
}
