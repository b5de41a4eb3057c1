package imagesuperscaling.client;

import java.net.URI;
import java.time.Duration;
import java.util.Objects;

/** Builds an {@link UpscaleClient}. Every setting has a default. */
public final class UpscaleClientBuilder {
    /** More than the largest output of the service in the usual formats. */
    private static final int MAX_BYTES = 512 << 20;

    private final String base;
    private Wire wire = Wire.BYTES;
    private Duration connectTimeout = Duration.ofSeconds(10);
    // Longer than the deadline of the service (90 s by default), so that its answer arrives first.
    private Duration requestTimeout = Duration.ofSeconds(150);
    private int retries = 3;
    private Duration longestWait = Duration.ofSeconds(60);
    private int maxBytes = MAX_BYTES;
    private String apiKey;

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
     * Sets how images are sent, and received if there is no listener.
     *
     * @param value default {@link Wire#BYTES}
     * @return this builder
     */
    public UpscaleClientBuilder wire(Wire value) {
        wire = Objects.requireNonNull(value, "wire");
        return this;
    }

    /**
     * Sets the timeout for a connection to be established.
     *
     * @param value at least a millisecond; default 10 s
     * @return this builder
     * @throws IllegalArgumentException if it is less than a millisecond
     */
    public UpscaleClientBuilder connectTimeout(Duration value) {
        connectTimeout = positive("connectTimeout", value);
        return this;
    }

    /**
     * Sets the timeout for each attempt, from connecting to the last byte of the response. With a {@link UpscaleListener}:
     * the longest silence of the service, which is never silent for more than 10 s while it works.
     *
     * @param value at least a millisecond; default 150 s: by the defaults of the service, the body may take 30 s and
     *     the work 90 s, which leaves 30 s for the response
     * @return this builder
     * @throws IllegalArgumentException if it is less than a millisecond
     */
    public UpscaleClientBuilder requestTimeout(Duration value) {
        requestTimeout = positive("requestTimeout", value);
        return this;
    }

    /**
     * Sets how often a request is retried after status 429 or 503.
     *
     * @param value 0 or more; default 3
     * @return this builder
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
     * Sets the longest wait before a retry. If the service asks for a longer one, the request fails at once.
     *
     * @param value zero or more; default 60 s
     * @return this builder
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
     * Sets the maximum size of a response in bytes. The request fails if the response is larger; with a
     * {@link UpscaleListener}, if an event is. Reading a response needs two to three times its size in heap memory, up to
     * seven times if the image is in base64: with {@link Wire#JSON} or a listener.
     *
     * @param value 1 to 2,000,000,000; default 512 MiB
     * @return this builder
     * @throws IllegalArgumentException if it is outside that range
     */
    public UpscaleClientBuilder mostAnswerBytes(int value) {
        if (value < 1 || value > 2_000_000_000) {
            throw new IllegalArgumentException("mostAnswerBytes is " + value + ", must be 1 to 2,000,000,000");
        }
        maxBytes = value;
        return this;
    }

    /**
     * Sets the API key that every request to the service has, also those about jobs. It is sent nowhere else: redirects
     * are not followed. Use https, as http shows it to the network.
     *
     * @param value letters, digits and any of {@code . _ ~ + / = -}; default none
     * @return this builder
     * @throws IllegalArgumentException if it has other characters; the message does not show it
     */
    public UpscaleClientBuilder apiKey(String value) {
        if (!value.matches("[A-Za-z0-9._~+/=-]{1,1000}")) {
            throw new IllegalArgumentException("the API key has other characters than letters, digits and . _ ~ + / = -");
        }
        apiKey = value;
        return this;
    }

    /**
     * Creates the client. It does not connect yet.
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
        return new Transport(connectTimeout, requestTimeout, maxBytes, apiKey);
    }

    private static Duration positive(String name, Duration value) {
        if (value.toMillis() < 1) {
            throw new IllegalArgumentException(name + " is " + value + ", must be more than zero");
        }
        return value;
    }
}
