/**
 * A client of the image super-scaling service, which enlarges pictures to twice their width and height.
 *
 * <p>{@link imagesuperscaling.client.UpscaleClient} is where to begin.
 */
package imagesuperscaling.client;
