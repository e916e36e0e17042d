package io.github.vlm4j.vision.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.InputException;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageTest {

  @TempDir Path folder;

  @Test
  void pathBytesAndStreamGiveTheSamePixels() throws IOException {
    byte[] encoded = Fixtures.picture("rgb.png");
    Path file = Files.write(folder.resolve("scene.png"), encoded);

    Image fromPath = Image.of(file);
    assertThat(fromPath.name()).isEqualTo("scene.png");
    assertThat(pixels(fromPath)).isEqualTo(pixels(Image.of(encoded)));
    assertThat(pixels(fromPath)).isEqualTo(pixels(Image.of(new ByteArrayInputStream(encoded))));
  }

  @Test
  void pixelsAreReadOnly() {
    Image image = Image.ofRgb(new byte[3], 1, 1);
    assertThat(image.pixels().isReadOnly()).isTrue();
  }

  @Test
  void rgbArrayIsCopied() {
    byte[] rgb = {1, 2, 3};
    Image image = Image.ofRgb(rgb, 1, 1);
    rgb[0] = 9;
    assertThat(pixels(image)).containsExactly(1, 2, 3);
  }

  @Test
  void rgbArrayOfAnotherLengthIsRefused() {
    assertThatThrownBy(() -> Image.ofRgb(new byte[7], 2, 1))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("7 bytes, expected 6");
  }

  @Test
  void rowsAreCopiedFromTheMiddle() {
    Image image = Image.ofRgb(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 1, 3);
    byte[] target = new byte[4];
    image.copyRows(1, 1, target, 1);
    assertThat(target).containsExactly(0, 4, 5, 6);
  }

  @ParameterizedTest
  @ValueSource(
      ints = {
        BufferedImage.TYPE_INT_RGB,
        BufferedImage.TYPE_INT_BGR,
        BufferedImage.TYPE_INT_ARGB,
        BufferedImage.TYPE_INT_ARGB_PRE,
        BufferedImage.TYPE_3BYTE_BGR,
        BufferedImage.TYPE_4BYTE_ABGR
      })
  void bufferedImageLayoutsGiveTheSamePixels(int type) {
    BufferedImage picture = new BufferedImage(2, 1, type);
    picture.setRGB(0, 0, 0xff0a141e);
    picture.setRGB(1, 0, 0xfffefdfc);
    assertThat(pixels(Image.of(picture)))
        .containsExactly(10, 20, 30, (byte) 254, (byte) 253, (byte) 252);
  }

  @Test
  void partOfABufferedImageIsTakenFromItsOwnOrigin() {
    BufferedImage picture = new BufferedImage(4, 4, BufferedImage.TYPE_3BYTE_BGR);
    picture.setRGB(2, 3, 0xff0a141e);
    assertThat(pixels(Image.of(picture.getSubimage(2, 3, 1, 1)))).containsExactly(10, 20, 30);
  }

  @Test
  void premultipliedColourIsDividedByItsAlpha() {
    BufferedImage picture = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB_PRE);
    picture.getRaster().setPixel(0, 0, new int[] {50, 25, 0, 100});
    assertThat(pixels(Image.of(picture))).containsExactly(127, 63, 0);
  }

  @Test
  void colourModelThatIsNoneOfTheKnownIsRefused() {
    ColorModel lab =
        new ComponentColorModel(
            new ColorSpace(ColorSpace.TYPE_Lab, 3) {
              private static final long serialVersionUID = 1L;

              @Override
              public float[] toRGB(float[] value) {
                return value;
              }

              @Override
              public float[] fromRGB(float[] value) {
                return value;
              }

              @Override
              public float[] toCIEXYZ(float[] value) {
                return value;
              }

              @Override
              public float[] fromCIEXYZ(float[] value) {
                return value;
              }
            },
            false,
            false,
            ColorModel.OPAQUE,
            DataBuffer.TYPE_BYTE);
    BufferedImage picture =
        new BufferedImage(
            lab, Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, 1, 1, 3, null), false, null);
    assertThatThrownBy(() -> Image.of(picture))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("colour model");
  }

  @Test
  void missingFileIsNamed() {
    assertThatThrownBy(() -> Image.of(folder.resolve("nowhere.png")))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("nowhere.png")
        .hasMessageContaining("check the path");
  }

  @Test
  void severalFilesComeInTheirOrderAndTheFirstBadOneIsNamed() throws IOException {
    Path one = Files.write(folder.resolve("one.png"), Fixtures.picture("rgb.png"));
    Path two = Files.write(folder.resolve("two.png"), Fixtures.picture("rgb.png"));
    assertThat(Image.all(List.of(two, one, two)))
        .extracting(Image::name)
        .containsExactly("two.png", "one.png", "two.png");
    Path bad = folder.resolve("gone.png");
    assertThatThrownBy(() -> Image.all(List.of(one, bad, folder, two)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("gone.png");
    assertThat(Image.all(List.of())).isEmpty();
  }

  @Test
  void folderIsRefused() {
    assertThatThrownBy(() -> Image.of(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("is a folder");
  }

  @Test
  void fileThatIsNoImageIsRefusedByName() throws IOException {
    Path file = Files.writeString(folder.resolve("notes.jpg"), "not a picture");
    assertThatThrownBy(() -> Image.of(file))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("notes.jpg is not an image")
        .hasMessageContaining("expected JPEG, PNG, GIF, BMP, TIFF or WebP");
  }

  @Test
  void emptyInputIsRefused() {
    assertThatThrownBy(() -> Image.of(new byte[0])).isInstanceOf(InputException.class);
  }

  @Test
  void moreThanTheDefaultPixelsIsRefusedBeforeDecoding() {
    byte[] png = Fixtures.picture("rgb.png");
    setPngSize(png, 10_000, 8_948);
    assertThatThrownBy(() -> Image.of(png))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("10000×8948")
        .hasMessageContaining("89478485")
        .hasMessageContaining("ImageLimits.maxPixels");
  }

  @Test
  void pixelLimitCanBeRaisedAndLowered() {
    byte[] png = Fixtures.picture("rgb.png");
    ImageLimits exact = ImageLimits.DEFAULT.withMaxPixels(75 * 53);
    assertThat(Image.of(png, exact).width()).isEqualTo(75);
    assertThatThrownBy(() -> Image.of(png, ImageLimits.DEFAULT.withMaxPixels(75 * 53 - 1)))
        .isInstanceOf(InputException.class);
  }

  @Test
  void endlessStreamIsCutOff() {
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            return 0;
          }
        };
    assertThatThrownBy(() -> Image.of(endless, new ImageLimits(1000, 5000)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("longer than 5000 bytes");
  }

  @Test
  void headerThatPromisesMorePixelsThanTheDataCanHoldIsRefused() {
    byte[] png = Fixtures.picture("rgb.png");
    setPngSize(png, 9_000, 9_000);
    assertThatThrownBy(() -> Image.of(png))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("cannot hold 9000×9000");
  }

  @Test
  void zeroSizeIsRefused() {
    byte[] png = Fixtures.picture("rgb.png");
    setPngSize(png, 0, 53);
    assertThatThrownBy(() -> Image.of(png))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("0×53");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rgb.png",
        "palette.png",
        "yuv420.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "frame.gif",
        "rgb.bmp",
        "rgb.tif",
        "lzw.tif",
        "lossless.webp",
        "lossy.webp"
      })
  void truncatedFileIsRefused(String file) {
    byte[] encoded = Fixtures.picture(file);
    for (double part : new double[] {0.1, 0.5, 0.9}) {
      byte[] truncated = Arrays.copyOf(encoded, (int) (encoded.length * part));
      assertThatThrownBy(() -> Image.of(truncated))
          .as("%s cut to %s", file, part)
          .isInstanceOf(InputException.class);
    }
  }

  @Test
  void jpegWithoutItsEndMarkerIsRefused() {
    byte[] jpeg = Fixtures.picture("yuv420.jpg");
    assertThatThrownBy(() -> Image.of(Arrays.copyOf(jpeg, jpeg.length - 2)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("ends within the JPEG data");
  }

  private static void setPngSize(byte[] png, int width, int height) {
    ByteBuffer.wrap(png).putInt(16, width).putInt(20, height);
  }

  private static byte[] pixels(Image image) {
    return image.pixels().toArray(ValueLayout.JAVA_BYTE);
  }
}
