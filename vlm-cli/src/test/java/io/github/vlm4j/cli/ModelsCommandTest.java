package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.models.SupportedModels;
import io.github.vlm4j.models.family.SupportedArchitecture;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ModelsCommandTest {

  private static final String BEGIN = "<!-- vlm models --markdown -->\n";
  private static final String END = "<!-- end -->\n";

  @Test
  void theTableInTheDocumentationIsTheOneThatIsPrinted() throws IOException {
    String page = Files.readString(Fixtures.root().resolve("docs/models.md"));
    assertThat(page).containsOnlyOnce(BEGIN).containsOnlyOnce(END);
    String table = page.substring(page.indexOf(BEGIN) + BEGIN.length(), page.indexOf(END));
    assertThat(table)
        .as("docs/models.md; put there what \"vlm models --markdown\" prints")
        .isEqualTo(CommandRun.of("models", "--markdown").succeeded().out());
  }

  @Test
  void plainTextNamesEveryModelAndItsParts() {
    String out = CommandRun.of("models").succeeded().out();
    for (SupportedArchitecture row : SupportedModels.all()) {
      assertThat(out)
          .contains(row.family(), row.recognisedBy(), row.layout())
          .contains(row.encoder(), row.connector(), row.decoder());
    }
    assertThat(out)
        .contains("Qwen3-VL\n  recognised by  model_type qwen3_vl\n")
        .contains("seemore (from-scratch tutorial)\n  recognised by  tensor names\n");
  }

  @Test
  void jsonHasTheSameLines() {
    JsonNode models = CommandRun.of("models", "--json").json().get("models");
    List<String> families = new ArrayList<>();
    models.forEach(model -> families.add(model.get("family").textValue()));
    assertThat(families)
        .isEqualTo(SupportedModels.all().stream().map(SupportedArchitecture::family).toList());
    assertThat(models.get(0).fieldNames())
        .toIterable()
        .containsExactly(
            "family", "modelTypes", "recognisedBy", "files", "encoder", "connector", "decoder");
    for (int i = 0; i < models.size(); i++) {
      List<String> modelTypes = new ArrayList<>();
      models.get(i).get("modelTypes").forEach(type -> modelTypes.add(type.textValue()));
      assertThat(modelTypes).isEqualTo(SupportedModels.all().get(i).modelTypes());
    }
  }

  @Test
  void oneFormatAtATime() {
    CommandRun.of("models", "--json", "--markdown").misused("--json", "--markdown");
  }
}
