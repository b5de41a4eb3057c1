/**
 * A client of the image super-scaling service, which doubles the width and height of images.
 *
 * <p>Start with {@link imagesuperscaling.client.UpscaleClient}.
 */
package imagesuperscaling.client;
