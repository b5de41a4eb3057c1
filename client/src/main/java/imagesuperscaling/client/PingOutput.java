package imagesuperscaling.client;

/**
 * The answer to a ping: the service is running.
 *
 * @param success currently always {@code true}
 */
public record PingOutput(boolean success) {}
