package io.github.vlm4j.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.vision.image.Image;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ContactSheetTest {

  @TempDir Path folder;

  private String page(String heading, Match... matches) throws IOException {
    Path out = folder.resolve("out.html");
    ContactSheet.write(out, heading, List.of(matches));
    return Files.readString(out);
  }

  @Test
  void showsPicturesWithPathsAndScores() throws IOException {
    Path file = Pictures.write(folder.resolve("red one.png"), 0xff0000);
    String page = page("red", new Match(file, 0.25f, false));
    assertThat(page)
        .contains("<h1>red</h1>", "<title>red</title>", "0.2500", file.toString(), "1 picture<")
        .contains("href=\"" + file.toUri().toASCIIString() + "\"");
    Matcher source = Pattern.compile("src=\"data:image/jpeg;base64,([^\"]+)\"").matcher(page);
    assertThat(source.find()).isTrue();
    Image thumbnail = Image.of(Base64.getDecoder().decode(source.group(1)));
    assertThat(thumbnail.width()).isEqualTo(4);
    assertThat(thumbnail.pixels().toArray(ValueLayout.JAVA_BYTE)[0] & 255).isGreaterThan(240);
  }

  @Test
  void largePicturesAreShownSmall() throws IOException {
    Path file = folder.resolve("wide.bmp");
    BufferedImage wide = new BufferedImage(1000, 10, BufferedImage.TYPE_INT_RGB);
    ImageIO.write(wide, "bmp", file.toFile());
    Matcher source =
        Pattern.compile("base64,([^\"]+)\"").matcher(page("wide", new Match(file, 0, false)));
    assertThat(source.find()).isTrue();
    Image thumbnail = Image.of(Base64.getDecoder().decode(source.group(1)));
    assertThat(List.of(thumbnail.width(), thumbnail.height())).isEqualTo(List.of(448, 4));
  }

  @Test
  void whatAFileOrAUserWroteIsTextNotMarkup() throws IOException {
    String hostile = "<script>alert('1')</script>\"&";
    Path file = Pictures.write(folder.resolve("\"><img src=x onerror=alert(1)>.png"), 0xff);
    String page = page(hostile, new Match(file, 0, false), new Match(file, 0, true));
    assertThat(page)
        .contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;")
        .doesNotContain("<script", "<img src=x");
    assertThat(Pattern.compile("<img ").matcher(page).results()).hasSize(1);
  }

  @Test
  void controlCharactersAndHalfCharactersAreReplaced() throws IOException {
    assertThat(page("a\u0000b\u001b[31m\ud800c")).contains("<h1>a�b�[31m�c</h1>");
  }

  @Test
  void needsNothingFromElsewhere() throws IOException {
    Path file = Pictures.write(folder.resolve("a.png"), 0xff);
    String page = page("a", new Match(file, 0, false));
    assertThat(page).doesNotContain("http:", "https:", "<link", "@import", "url(");
    assertThat(Pattern.compile("src=\"(?!data:)").matcher(page).find()).isFalse();
  }

  @Test
  void filesThatAreGoneOrBrokenAreMarked() throws IOException {
    Path broken = Pictures.writeBroken(folder.resolve("broken.png"));
    String page =
        page("a", new Match(folder.resolve("gone.png"), 0.5f, true), new Match(broken, 0, false));
    assertThat(page).contains("gone.png", "This file is gone.", "cannot be read any more");
    assertThat(page).doesNotContain("<img");
  }

  @Test
  void replacesAnEarlierPageAndLeavesNothingElse() throws IOException {
    Files.writeString(folder.resolve("out.html"), "old");
    assertThat(page("new")).contains("<h1>new</h1>").doesNotContain("old");
    assertThat(folder.toFile().list()).containsExactly("out.html");
  }

  @Test
  void aPlaceThatCannotBeWrittenIsTold() {
    Path out = folder.resolve("none/out.html");
    assertThatThrownBy(() -> ContactSheet.write(out, "a", List.of()))
        .isInstanceOf(InputException.class)
        .hasMessageContaining(out.toString());
  }
}
