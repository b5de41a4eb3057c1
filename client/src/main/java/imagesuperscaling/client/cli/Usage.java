package imagesuperscaling.client.cli;

/** What {@code --help} and {@code --version} print. */
final class Usage {
    private static final String VERSION_NUMBER = "0.1.0";

    static final String VERSION = "image-super-scaling-client " + VERSION_NUMBER;

    static final String TEXT = """
            usage: java -jar image-super-scaling-client-%s-cli.jar [options] INPUT... [-o PATH]

            Enlarges images by an image super-scaling service, to twice their width and height unless you ask for another
            size.

              photo.jpg                  becomes photo-x2.jpg, beside it
              photo.jpg -o other.png     becomes other.png, in that format
              photos -o larger           all images in a folder and its subfolders become the same tree in another
              one.jpg two.png -o larger/ several files and folders become files in a folder
              in.jpg out.jpg             without -o, the last of several paths is the output

              -o, --output PATH  write to this file, whose extension selects the format, or into this folder. It is a
                               folder if it exists, ends with a slash, or if there are several images
              --scale N        factor of both sides, 1 to 8, such as 1.5 (default: 2)
              --width PX       instead of --scale: width of the results; alone it keeps the ratio
              --height PX      instead of --scale: height of the results; alone it keeps the ratio
              --fit HOW        how both together are meant: inside (as large as fits), cover (cut), fill (stretched)
              --model NAME     one of the service's models (default: its first)
              --strength S     the model's share of the results, 0 to 1, if it has strength (default: 1)
              --models         list the service's models, and exit
              --format NAME    write this format: jpeg, png, webp, tiff, bmp, gif, avif (default: as the input)
              --quality N      quality of JPEG, WebP and AVIF results, 1 to 100 (default: the service's)
              --metadata WHICH what the results keep: keep, strip or colour (default: keep, all they can hold)
              --force          replace existing files
              --again          enlarge images of folders again whose results are newer than they are, and replace those
              --url URL        address of the service (default: http://localhost:7777)
              --key-file FILE  a file with the API key for the service, - for standard input (default: the environment
                               variable UPSCALE_API_KEY)
              --jobs           hand the images in as jobs, which the service does even if this program ends; the same
                               command again fetches the results of those that it finds there
              --group NAME     with --jobs: a name for these jobs
              --retries N      retries when the service is busy or unavailable (default: 3)
              -q, --quiet      print only what failed
              --version        show the version, and exit
              --help           show this text, and exit

            Not in other clients:
              --bytes, --json  ask for plain answers, as files or in JSON, which may take 90 s; without, images go as
                               streams, which may take an hour
              --timeout S      seconds for each plain attempt, or without a sign of life in a stream (default: 150)

            Folders are searched without hidden files and links to folders; what is newer than the image that it would
            become is left alone. HEIC becomes JPEG, which has no transparency: transparent ones need --format png.
            Exit status: 0 success, 1 some images failed, 2 wrong usage.
            """.formatted(VERSION_NUMBER);

    private Usage() {}
}
