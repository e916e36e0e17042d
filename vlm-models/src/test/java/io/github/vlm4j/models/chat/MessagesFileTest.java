package io.github.vlm4j.models.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.InputException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MessagesFileTest {

  @TempDir Path folder;

  @BeforeEach
  void makePictures() throws IOException {
    Files.createDirectory(folder.resolve("pictures"));
    for (int i = 1; i <= 3; i++) {
      ImageIO.write(
          new BufferedImage(10 * i, 20, BufferedImage.TYPE_INT_RGB),
          "png",
          folder.resolve("pictures/" + i + ".png").toFile());
    }
  }

  private List<Message> read(String json) throws IOException {
    Path file = folder.resolve("messages.json");
    Files.writeString(file, json);
    return MessagesFile.read(file);
  }

  @Test
  void contentMayBeAString() throws IOException {
    assertThat(
            read(
                """
                [{"role": "system", "content": "Be brief."},
                 {"role": "user", "content": "Häß 你好"},
                 {"role": "assistant", "content": ""}]
                """))
        .containsExactly(
            Message.system("Be brief."), Message.user("Häß 你好"), Message.assistant(""));
  }

  @Test
  void partsKeepTheirOrderAndPicturesLieBesideTheFile() throws IOException {
    List<Part> parts =
        read("""
        [{"role": "user", "content": [
          {"type": "text", "text": "before"},
          {"type": "image", "image": "pictures/2.png"},
          {"type": "image", "path": "pictures/3.png"},
          {"type": "text", "text": "after"}]}]
        """)
            .getFirst()
            .parts();
    assertThat(parts).hasSize(4);
    assertThat(parts.get(0)).isEqualTo(new Part.Text("before"));
    assertThat(((Part.Picture) parts.get(1)).image().width()).isEqualTo(20);
    assertThat(((Part.Picture) parts.get(2)).image().width()).isEqualTo(30);
    assertThat(parts.get(3)).isEqualTo(new Part.Text("after"));
  }

  @Test
  void aVideoIsAListOfPicturesWithARate() throws IOException {
    List<Part> parts =
        read("""
        [{"role": "user", "content": [
          {"type": "video", "video": ["pictures/1.png", "pictures/2.png"], "fps": 2.5},
          {"type": "video", "video": ["pictures/1.png"]}]}]
        """)
            .getFirst()
            .parts();
    Part.Video video = (Part.Video) parts.get(0);
    assertThat(video.frames()).extracting(frame -> frame.width()).containsExactly(10, 20);
    assertThat(video.framesPerSecond()).isEqualTo(2.5);
    assertThat(((Part.Video) parts.get(1)).framesPerSecond()).isEqualTo(24);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"role": "user", "content": "a"}                          | must hold a JSON list
          []                                                        | no messages
          "text"                                                    | must hold a JSON list
          [1]                                                       | [0] must be an object
          [{"role": "user", "content": "a"}, null]                  | [1] must be an object
          [{"role": "robot", "content": "a"}]                       | [0].role must be "system"
          [{"role": "user", "content": 3}]                          | [0].content must be
          [{"role": "user", "content": ["a"]}]                      | [0].content must be
          [{"role": "user", "content": [{"text": "a"}]}]            | [0].content[0].type is missing
          [{"role": "user", "content": [{"type": "sound"}]}]        | [0].content[0].type must be
          [{"role": "user", "content": [{"type": "video", "video": [], "fps": 0}]}] | fps must be
          [{"role": "user", "content": "a", "content": "b"}]        | content
          [{"role": "user", "content": "a"}] []                     | goes on
          [{"role": "user", "content": "a"}                         | messages.json
          [{"role": "user", "content": [{"type": "image", "image": "pictures/9.png"}]}] | 9.png
          [{"role": "user", "content": [{"type": "image", "image": "messages.json"}]}]  | messages.json
          [{"role": "user", "content": [{"type": "image", "image": "pictures"}]}]       | pictures
          """)
  void mistakesAreToldWithTheirPlace(String json, String says) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(InputException.class)
        .hasMessageContaining(says);
  }

  @Test
  void aFileThatIsNotTextIsRefused() throws IOException {
    Path file = folder.resolve("messages.json");
    Files.write(
        file, "[{\"role\": \"user\", \"content\": \"ä\"}]".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> MessagesFile.read(file))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("messages.json");
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatThrownBy(() -> MessagesFile.read(folder.resolve("none.json")))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("none.json is missing");
  }
}
