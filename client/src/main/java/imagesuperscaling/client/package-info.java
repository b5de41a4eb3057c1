/**
 * A client of the image super-scaling service, which enlarges images with neural networks.
 *
 * <p>Start with {@link imagesuperscaling.client.UpscaleClient}.
 */
package imagesuperscaling.client;
