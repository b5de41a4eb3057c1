package imagesuperscaling.client;

/**
 * The service is there.
 *
 * @param success what the service said of itself; so far it always says {@code true}
 */
public record PingOutput(boolean success) {}
