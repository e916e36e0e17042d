package io.github.vlm4j.core.checkpoint;

import static io.github.vlm4j.core.checkpoint.SafetensorsBytes.f32;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {

  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";

  @TempDir Path folder;

  @Test
  void opensASingleFileInAFolder() throws IOException {
    write("model.safetensors", "{" + f32("a", 0, 2) + "}", 8);
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.path()).isEqualTo(folder);
      assertThat(checkpoint.files()).containsExactly(folder.resolve("model.safetensors"));
      assertThat(checkpoint.names()).containsExactly("a");
      assertThat(checkpoint.tensor("a").toFloats()).containsExactly(0, 0);
    }
  }

  @Test
  void opensAFileGivenDirectly() throws IOException {
    Path file = write("adapter.safetensors", "{" + f32("a", 0, 2) + "}", 8);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertThat(checkpoint.names()).containsExactly("a");
      assertThat(checkpoint.describe("b")).isEqualTo("\"b\" (not in adapter.safetensors)");
    }
  }

  @Test
  void opensTheShardsThatTheReferenceLibraryWrote() throws IOException {
    copyShards();
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.files()).containsExactly(folder.resolve(FIRST), folder.resolve(SECOND));
      assertThat(checkpoint.names())
          .containsExactly(
              "model.layers.0.norm.weight", "model.embed_tokens.weight", "lm_head.weight");
      assertThat(checkpoint.totalBytes()).isEqualTo(16 + 8 + 16);
      assertThat(checkpoint.dtype("lm_head.weight")).isEqualTo(DType.F16);
      assertThat(checkpoint.storedType("lm_head.weight")).isEqualTo("F16");
      assertThat(checkpoint.shape("lm_head.weight")).isEqualTo(Shape.of(4, 2));
      assertThat(checkpoint.bytes("lm_head.weight")).isEqualTo(16);
      assertThat(checkpoint.tensor("model.layers.0.norm.weight").toFloats())
          .containsExactly(-1, -0.5f);
      assertThat(checkpoint.tensor("lm_head.weight").getFloat(7)).isEqualTo(2.5f);
      assertThat(checkpoint.describe("lm_head.weight"))
          .isEqualTo("\"lm_head.weight\" (F16[4, 2] in model-00002-of-00002.safetensors)");
      assertThat(checkpoint.contains("nothing")).isFalse();
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> checkpoint.shape("nothing"))
          .withMessage(
              "Tensor \"nothing\" is missing from %s, which holds 3 tensors in 2 files", folder);
    }
  }

  @Test
  void followsShardsThatAreLinksAsInAHubCache() throws IOException {
    Path blobs = Files.createDirectory(folder.resolve("blobs"));
    Path snapshot = Files.createDirectory(folder.resolve("snapshot"));
    for (String name : new String[] {FIRST, SECOND, Checkpoint.INDEX_FILE}) {
      Path blob = SafetensorsBytes.fixture("sharded/" + name, blobs);
      Files.move(blob, blobs.resolve("blob" + name.hashCode()));
      Files.createSymbolicLink(
          snapshot.resolve(name), Path.of("..", "blobs", "blob" + name.hashCode()));
    }
    try (Checkpoint checkpoint = Checkpoint.open(snapshot)) {
      assertThat(checkpoint.names()).hasSize(3);
    }
  }

  @Test
  void closingUnmapsEveryShard() throws IOException {
    copyShards();
    Checkpoint checkpoint = Checkpoint.open(folder);
    Tensor first = checkpoint.tensor("model.embed_tokens.weight");
    Tensor second = checkpoint.tensor("lm_head.weight");
    checkpoint.close();
    checkpoint.close();
    assertThatIllegalStateException().isThrownBy(() -> first.getFloat(0));
    assertThatIllegalStateException().isThrownBy(() -> second.getFloat(0));
    assertThatIllegalStateException().isThrownBy(() -> checkpoint.tensor("lm_head.weight"));
  }

  @Test
  void anIndexThatListsTheSingleFileBesideItIsFine() throws IOException {
    write("model.safetensors", "{" + f32("a", 0, 1) + "}", 4);
    index("{'weight_map':{'a':'model.safetensors'}}");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.names()).containsExactly("a");
    }
  }

  @Test
  void aTensorThatTheIndexDoesNotListIsNotPartOfTheModel() throws IOException {
    write("x.safetensors", "{" + f32("a", 0, 1) + "," + f32("b", 4, 1) + "}", 8);
    index("{'weight_map':{'a':'x.safetensors'}}");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.names()).containsExactly("a");
      assertThat(checkpoint.contains("b")).isFalse();
    }
  }

  @Test
  void refusesToChooseBetweenASingleFileAndShards() throws IOException {
    copyShards();
    write("model.safetensors", "{" + f32("a", 0, 1) + "}", 4);
    assertRefused(
        folder
            + " holds both model.safetensors and model.safetensors.index.json, which lists other"
            + " files; remove one of the two");
  }

  @Test
  void saysWhatWasLookedForAndWhatWasFound() throws IOException {
    String looked =
        folder
            + " holds no weights: looked for model.safetensors, model.safetensors.index.json,"
            + " open_clip_model.safetensors, pytorch_model.bin, pytorch_model.bin.index.json,"
            + " open_clip_pytorch_model.bin and a single .safetensors, .pt or .pth file, found ";
    assertRefused(looked + "none of them");
    Files.createFile(folder.resolve("model.gguf"));
    assertRefused(looked + "only model.gguf; give the path of the file itself to open it");
    Files.createFile(folder.resolve("training_args.bin"));
    assertRefused(
        looked + "only model.gguf, training_args.bin; give the path of the file itself to open it");
    Files.createFile(folder.resolve("a.pt"));
    Files.createFile(folder.resolve("b.safetensors"));
    assertRefused(
        looked
            + "only a.pt, b.safetensors, model.gguf, training_args.bin; give the path of the file"
            + " itself to open it");
  }

  @Test
  void refusesWhatIsNeitherAFolderNorAFileOfWeights() throws IOException {
    Path file = Files.createFile(folder.resolve("model.onnx"));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Checkpoint.open(file))
        .withMessage(
            file + " is neither a model folder nor a .safetensors, .pt, .pth, .bin or .gguf file");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Checkpoint.open(folder.resolve("none")))
        .withMessage("none is missing from " + folder);
  }

  @ParameterizedTest
  @ValueSource(strings = {"weights.pt", "weights.pth", "weights.bin"})
  void opensAPyTorchFileGivenDirectly(String name) throws IOException {
    Path file = Files.write(folder.resolve(name), SafetensorsBytes.fixture("pytorch/protocol2.pt"));
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      assertThat(checkpoint.files()).containsExactly(file);
      assertPlain(checkpoint);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"pytorch_model.bin", "open_clip_pytorch_model.bin", "ViT-B-32.pt", "epoch_3.pth"})
  void opensAPyTorchFileInAFolder(String name) throws IOException {
    Files.write(folder.resolve(name), SafetensorsBytes.fixture("pytorch/protocol2.pt"));
    Files.createFile(folder.resolve("training_args.bin"));
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.path()).isEqualTo(folder);
      assertThat(checkpoint.files()).containsExactly(folder.resolve(name));
      assertPlain(checkpoint);
    }
  }

  @Test
  void prefersSafetensorsAndTheNamesOfTheHub() throws IOException {
    Files.write(folder.resolve("other.pt"), new byte[] {1});
    Files.write(folder.resolve("open_clip_pytorch_model.bin"), new byte[] {1});
    write("another.safetensors", "{" + f32("another", 0, 1) + "}", 4);
    String[] better = {
      "pytorch_model.bin", "open_clip_model.safetensors", "model.safetensors",
    };
    for (String name : better) {
      Files.write(
          folder.resolve(name),
          name.endsWith(".bin")
              ? SafetensorsBytes.fixture("pytorch/protocol2.pt")
              : SafetensorsBytes.of("{" + f32("a", 0, 1) + "}", 4));
      try (Checkpoint checkpoint = Checkpoint.open(folder)) {
        assertThat(checkpoint.files()).containsExactly(folder.resolve(name));
      }
    }
  }

  @Test
  void opensShardsThatTorchWrote() throws IOException {
    String first = "pytorch_model-00001-of-00002.bin";
    String second = "pytorch_model-00002-of-00002.bin";
    for (String name : new String[] {first, second, "pytorch_model.bin.index.json"}) {
      SafetensorsBytes.fixture("pytorch/sharded/" + name, folder);
    }
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.files()).containsExactly(folder.resolve(first), folder.resolve(second));
      assertPlain(checkpoint);
    }
    Files.delete(folder.resolve(second));
    assertRefused(second + " is missing from " + folder);
    Files.write(
        folder.resolve("pytorch_model.bin.index.json"),
        SafetensorsBytes.json("{'weight_map':{'a':'x.safetensors'}}"));
    assertRefused(
        "pytorch_model.bin.index.json: weight_map.a must be the plain name of a .bin file beside"
            + " the index, without a path, got \"x.safetensors\"");
  }

  @Test
  void refusesToChooseBetweenAPyTorchFileAndShards() throws IOException {
    SafetensorsBytes.fixture("pytorch/sharded/pytorch_model.bin.index.json", folder);
    Files.createFile(folder.resolve("pytorch_model.bin"));
    assertRefused(
        folder
            + " holds both pytorch_model.bin and pytorch_model.bin.index.json, which lists other"
            + " files; remove one of the two");
  }

  private static void assertPlain(Checkpoint checkpoint) {
    assertThat(checkpoint.names())
        .containsExactlyInAnyOrder("conv1.weight", "ln.weight", "ln.bias", "steps");
    assertThat(checkpoint.tensor("ln.weight").toFloats()).containsExactly(-1, -0.5f, 0, 0.5f, 1);
    assertThat(checkpoint.dtype("ln.bias")).isEqualTo(DType.BF16);
    assertThat(checkpoint.totalBytes()).isEqualTo(48 + 10 + 10 + 8);
    assertThat(checkpoint.describe("conv1.weight"))
        .startsWith("\"conv1.weight\" (F32[2, 3, 2] in ");
  }

  @Test
  void namesTheShardThatIsMissing() throws IOException {
    copyShards();
    Files.delete(folder.resolve(SECOND));
    assertRefused(SECOND + " is missing from " + folder);
    Files.createSymbolicLink(folder.resolve(SECOND), Path.of("gone"));
    assertRefused(
        SECOND + " is missing from " + folder + ": it is a link to a file that does not exist");
  }

  @Test
  void refusesAShardThatLacksATensorOfTheIndex() throws IOException {
    write("x.safetensors", "{" + f32("a", 0, 1) + "}", 4);
    index("{'weight_map':{'a':'x.safetensors','b':'x.safetensors'}}");
    assertRefused(
        "model.safetensors.index.json places tensor \"b\" in x.safetensors, which does not hold"
            + " it");
  }

  @Test
  void refusesATensorInTwoShards() throws IOException {
    write("x.safetensors", "{" + f32("a", 0, 1) + "}", 4);
    write("y.safetensors", "{" + f32("a", 0, 1) + "," + f32("b", 4, 1) + "}", 8);
    index("{'weight_map':{'a':'x.safetensors','b':'y.safetensors'}}");
    assertRefused(
        "Tensor \"a\" is in y.safetensors, but model.safetensors.index.json places it in"
            + " x.safetensors: a tensor may be in one file only");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../out.safetensors",
        "/out.safetensors",
        "sub/out.safetensors",
        "./out.safetensors",
        "sub/../../out.safetensors",
        "..\\\\out.safetensors",
        "C:out.safetensors",
        "out.safetensors/",
        "out.safetensors/..",
        "..",
        ".",
        "",
        "out.bin",
        "out\\u0000.safetensors"
      })
  void refusesAShardNameThatIsNotPlain(String shard) throws IOException {
    Path outside = folder;
    folder = Files.createDirectories(outside.resolve("model"));
    Files.createDirectories(folder.resolve("sub"));
    for (Path reachable : new Path[] {outside, folder, folder.resolve("sub")}) {
      Files.write(
          reachable.resolve("out.safetensors"), SafetensorsBytes.of("{" + f32("a", 0, 1) + "}", 4));
    }
    index("{'weight_map':{'a':'" + shard + "'}}");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Checkpoint.open(folder))
        .withMessageStartingWith(
            "model.safetensors.index.json: weight_map.a must be the plain name of a .safetensors"
                + " file beside the index, without a path, got \"");
  }

  @Test
  void refusesAnIndexWithoutAUsableMap() throws IOException {
    index("{'weight_map':{}}");
    assertRefused("model.safetensors.index.json: weight_map lists no tensors");
    index("{'metadata':{}}");
    assertRefused("model.safetensors.index.json has no field weight_map");
    index("{'weight_map':[]}");
    assertRefused("model.safetensors.index.json: weight_map must be an object, got a list");
    index("{'weight_map':{'a':3}}");
    assertRefused(
        "model.safetensors.index.json: weight_map.a must be the plain name of a .safetensors file"
            + " beside the index, without a path, got 3");
    index("{'weight_map':{'a':'x.safetensors','a':'y.safetensors'}}");
    assertRefused("model.safetensors.index.json lists tensor \"a\" twice");
    index("{'weight_map':{'a':'x.safetensors'},'weight_map':{}}");
    assertRefused("model.safetensors.index.json: weight_map occurs twice");
    index("[]");
    assertRefused("model.safetensors.index.json must hold a JSON object, but holds a list");
    index("");
    assertRefused("model.safetensors.index.json must hold a JSON object, but holds nothing");
    index("{'weight_map':{'a':'x.safetensors'}} 1");
    assertRefused("model.safetensors.index.json goes on after its closing brace with 1");
    index("{'metadata':" + "[".repeat(100_000));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Checkpoint.open(folder))
        .withMessageContaining("nesting depth (65) exceeds the maximum allowed (64");
  }

  @Test
  void boundsTheNumberOfTensorsAnIndexLists() throws IOException {
    index(
        IntStream.rangeClosed(0, 1 << 19)
            .mapToObj(i -> "'" + i + "':'x.safetensors'")
            .collect(Collectors.joining(",", "{'weight_map':{", "}}")));
    assertRefused("model.safetensors.index.json lists more than 524288 tensors");
  }

  private void copyShards() throws IOException {
    SafetensorsBytes.fixture("sharded/" + FIRST, folder);
    SafetensorsBytes.fixture("sharded/" + SECOND, folder);
    SafetensorsBytes.fixture("sharded/" + Checkpoint.INDEX_FILE, folder);
  }

  private Path write(String name, String header, int dataBytes) throws IOException {
    return Files.write(folder.resolve(name), SafetensorsBytes.of(header, dataBytes));
  }

  private void index(String json) throws IOException {
    Files.write(folder.resolve(Checkpoint.INDEX_FILE), SafetensorsBytes.json(json));
  }

  private void assertRefused(String sentence) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Checkpoint.open(folder))
        .withMessage("%s", sentence);
  }
}
