package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.models.clip.Explanation;
import io.github.vlm4j.models.clip.HeatMap;
import io.github.vlm4j.models.clip.LabelScore;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * The shipped CLIP on pictures it was never trained on, held to the truth and to what transformers
 * computes; made by tools/demo-clip/heldout.py.
 */
class ShippedClipTest {

  private static final Path MODEL = Path.of("..", "models", "shapes-clip");
  private static final Path EXAMPLES = Path.of("..", "examples");

  private static String best(List<LabelScore> scores) {
    return scores.stream().max(Comparator.comparingDouble(LabelScore::logit)).orElseThrow().label();
  }

  @Test
  void labelsHeldOutPicturesRightAndAsTheReferenceDoes() throws Exception {
    Path folder = Path.of(Objects.requireNonNull(getClass().getResource("/shapes-clip")).toURI());
    JsonNode facts = new ObjectMapper().readTree(folder.resolve("labels.json").toFile());
    List<String> labels = new ArrayList<>();
    facts.get("labels").forEach(label -> labels.add(label.asText()));
    assertThat(labels).hasSize(36);
    List<Image> images = new ArrayList<>();
    facts
        .get("images")
        .forEach(image -> images.add(Image.of(folder.resolve(image.get("image").asText()))));
    assertThat(images).hasSizeGreaterThanOrEqualTo(4 * labels.size());
    int compared = 0;
    List<String> wrong = new ArrayList<>();
    List<String> unlikeTheReference = new ArrayList<>();
    try (ClipModel model = ClipModel.load(MODEL)) {
      List<List<LabelScore>> results = model.classify(images, labels);
      for (int i = 0; i < results.size(); i++) {
        JsonNode image = facts.get("images").get(i);
        String answer = best(results.get(i));
        if (!answer.equals(image.get("label").asText())) {
          wrong.add(image.get("image") + " is " + answer);
        }
        if (!answer.equals(image.get("reference").asText())) {
          unlikeTheReference.add(image.get("image") + " is " + answer);
        }
        JsonNode logits = image.path("logits");
        for (int j = 0; j < logits.size(); j++) {
          assertThat(results.get(i).get(j).logit())
              .isCloseTo(logits.get(j).floatValue(), within(1e-3f));
          compared++;
        }
      }
    }
    assertThat(compared).isGreaterThanOrEqualTo(20 * labels.size());
    assertThat(unlikeTheReference).isEmpty();
    assertThat(wrong)
        .as("wrong labels of %d", images.size())
        .hasSizeLessThanOrEqualTo(images.size() / 20);
  }

  /** The example of the README. */
  @Test
  void knowsARedCircle() {
    try (ClipModel model = ClipModel.load(MODEL)) {
      List<LabelScore> scores =
          model.classify(
              Image.of(EXAMPLES.resolve("red-circle.png")),
              List.of("a red circle", "a blue square"));
      assertThat(scores.get(0).probability()).isGreaterThan(0.9f);
    }
  }

  @Test
  void showsWhereInThePictureAShapeIs() {
    try (ClipModel model = ClipModel.load(MODEL)) {
      Image scene = Image.of(EXAMPLES.resolve("two-shapes.png"));
      HeatMap red = model.explain(scene, "a red circle", Explanation.SIMILARITY);
      HeatMap blue = model.explain(scene, "a blue square", Explanation.SIMILARITY);
      assertThat(quadrant(red)).isEqualTo("upper left");
      assertThat(quadrant(blue)).isEqualTo("lower right");
    }
  }

  private static String quadrant(HeatMap map) {
    int row = map.hottest() / map.grid().width();
    int column = map.hottest() % map.grid().width();
    return (2 * row < map.grid().height() ? "upper " : "lower ")
        + (2 * column < map.grid().width() ? "left" : "right");
  }
}
