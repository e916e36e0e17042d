package io.github.vlm4j.vision.image;

import com.twelvemonkeys.imageio.plugins.tiff.TIFFImageReaderSpi;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.Arrays;

/**
 * The first page of a TIFF file (TIFF 6.0), decoded by TwelveMonkeys.
 *
 * @param fineGrey whether it is grey of more than one bit, which readers may make a palette of
 */
record TiffFile(
    Dimensions size,
    Orientation orientation,
    Bytes file,
    long dataBytes,
    double ratio,
    boolean floats,
    boolean fineGrey)
    implements EncodedImage {

  private static final int WIDTH = 256;
  private static final int HEIGHT = 257;
  private static final int BITS_PER_SAMPLE = 258;
  private static final int COMPRESSION = 259;
  private static final int PHOTOMETRIC = 262;
  private static final int STRIP_BYTES = 279;
  private static final int SAMPLES_PER_PIXEL = 277;
  private static final int TILE_BYTES = 325;
  private static final int SAMPLE_FORMAT = 339;
  private static final int XMP = 700;

  private static final int PALETTE = 3;
  private static final int IEEE_FLOAT = 3;
  private static final int UNCOMPRESSED = 1;
  private static final int FAX_FIRST = 2;
  private static final int FAX_LAST = 4;
  private static final int LZW_RATIO = 4096;
  private static final int MAX_SAMPLES = 8;
  private static final int MAX_BITS = 64;

  static TiffFile parse(Bytes file) {
    TiffDirectory page =
        TiffDirectory.first(file)
            .orElseThrow(() -> new UnreadableImageException("its TIFF directory cannot be read"));
    Dimensions size = new Dimensions(page.value(WIDTH).orElse(0), page.value(HEIGHT).orElse(0));
    long samples = page.max(SAMPLES_PER_PIXEL, 1);
    long bits = page.max(BITS_PER_SAMPLE, 1);
    if (samples > MAX_SAMPLES || bits > MAX_BITS) {
      throw new UnreadableImageException(
          "its TIFF pixels have %d samples of %d bits".formatted(samples, bits));
    }
    long dataBytes = 0;
    for (int tag : new int[] {STRIP_BYTES, TILE_BYTES}) {
      dataBytes += Arrays.stream(page.values(tag)).map(n -> Math.min(n, file.length())).sum();
    }
    long compression = page.max(COMPRESSION, UNCOMPRESSED);
    double pixelsPerByte =
        compression == UNCOMPRESSED
            ? 8.0 / (samples * bits)
            : compression >= FAX_FIRST && compression <= FAX_LAST
                ? Double.POSITIVE_INFINITY
                : LZW_RATIO;
    return new TiffFile(
        size,
        page.value(Orientation.TAG).isPresent()
            ? new Orientation(page.value(Orientation.TAG).getAsInt())
            : Orientation.of(Bytes.EMPTY, page.bytes(XMP)),
        file,
        Math.min(dataBytes, file.length()),
        pixelsPerByte,
        page.max(SAMPLE_FORMAT, 1) == IEEE_FLOAT,
        bits > 1 && page.max(PHOTOMETRIC, PALETTE) != PALETTE);
  }

  @Override
  public String format() {
    return "TIFF";
  }

  @Override
  public DecodedPixels decode() throws IOException {
    if (size.pixels() > Math.max(dataBytes, 1) * ratio) {
      throw new UnreadableImageException(
          "%d bytes of TIFF data cannot hold %s pixels".formatted(dataBytes, size));
    }
    // TwelveMonkeys cuts floating-point samples to 0..1, where Pillow (and the JDK) keep them.
    BufferedImage picture =
        floats
            ? PluginReader.read("tiff", file, size)
            : PluginReader.read(new TIFFImageReaderSpi().createReaderInstance(null), file, size);
    DecodedPixels pixels = SampleConverter.convert(picture.getRaster(), picture.getColorModel());
    return pixels.mode() == StoredMode.PALETTE && fineGrey ? pixels.as(StoredMode.RGB) : pixels;
  }
}
