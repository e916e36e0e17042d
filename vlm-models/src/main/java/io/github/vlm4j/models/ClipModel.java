package io.github.vlm4j.models;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.event.FlightRecording;
import io.github.vlm4j.core.event.LoadEvent;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.ModuleTree;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.clip.DualEncoder;
import io.github.vlm4j.models.clip.DualEncoderFormat;
import io.github.vlm4j.models.clip.DualEncoderFormats;
import io.github.vlm4j.models.clip.Explanation;
import io.github.vlm4j.models.clip.HeatMap;
import io.github.vlm4j.models.clip.LabelScore;
import io.github.vlm4j.models.clip.Similarity;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.models.family.PreparedPicture;
import io.github.vlm4j.models.runtime.PictureRuntime;
import io.github.vlm4j.models.runtime.TextRuntime;
import io.github.vlm4j.text.contrastive.ContrastiveTokenizer;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A dual encoder, CLIP or SigLIP: pictures and texts as vectors of one space, where what belongs
 * together is close.
 *
 * <pre>{@code
 * try (var clip = ClipModel.load(Path.of("clip-vit-large-patch14-336"))) {
 *   float[] picture = clip.embed(Image.of(Path.of("photo.jpg")));
 *   List<LabelScore> scores =
 *       clip.classify(Image.of(Path.of("photo.jpg")), List.of("a photo of a cat", "a dog"));
 * }
 * }</pre>
 *
 * <p>Weights stay where they are mapped; opening reads headers only. A model may be used by several
 * threads, which take turns.
 */
public final class ClipModel implements AutoCloseable {

  /** The most pictures that are encoded together. */
  public static final int PICTURE_BATCH = 8;

  /** What the encoder's activations for a batch may take; the rest is for pictures and results. */
  private static final long BATCH_BYTES = Runtime.getRuntime().maxMemory() / 4;

  private final Checkpoint checkpoint;
  private final Backend backend;
  private final DualEncoderFormat format;
  private final DualEncoder encoder;
  private final ModuleTree modules;
  private final WeightSource source;
  private final Path folder;
  private final @Nullable PictureRuntime pictures;
  private final @Nullable TextRuntime texts;
  private final Turns turns = new Turns();
  private @Nullable PictureProcessor processor;
  private @Nullable ContrastiveTokenizer tokenizer;

  private ClipModel(Path model, DualEncoderFormat format, Checkpoint checkpoint, Backend backend) {
    this.checkpoint = checkpoint;
    this.backend = backend;
    this.format = format;
    folder = DualEncoderFormats.folder(model);
    CheckpointWeights weights = new CheckpointWeights(checkpoint);
    WeightScope scope = WeightScope.of(weights);
    encoder = format.assemble(scope);
    modules = scope.tree();
    source = scope.source();
    weights.requireAllUsed(modules, format::mayIgnore);
    pictures =
        encoder.vision() == null ? null : new PictureRuntime(encoder.vision(), backend, source);
    texts = encoder.text() == null ? null : new TextRuntime(encoder.text(), backend, source);
  }

  /**
   * Opens a model on the usable backend of the highest priority.
   *
   * @param model a checkpoint folder as published, or one file of weights, beside which tokenizer
   *     and processor files are looked for
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   * @throws ModelException if the model is not supported or its tensors are not what its
   *     configuration says
   * @throws BackendException if no backend can run here
   */
  public static ClipModel load(Path model) {
    return load(model, LoadOptions.DEFAULT);
  }

  /**
   * Opens a model.
   *
   * @param model as {@link #load(Path)} takes it
   * @param options the backend and how it is opened
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   * @throws ModelException if the model is not supported or its tensors are not what its
   *     configuration says
   * @throws BackendException if the backend is unknown or cannot run here
   */
  public static ClipModel load(Path model, LoadOptions options) {
    Optional<LoadEvent> event = FlightRecording.begin(() -> new LoadEvent());
    Checkpoint checkpoint = Checkpoint.open(model);
    Backend backend = null;
    try {
      DualEncoderFormat format =
          DualEncoderFormats.of(model, checkpoint)
              .orElseThrow(() -> DualEncoderFormats.unsupported(model));
      backend =
          Backends.find()
              .open(
                  options.backendName(),
                  options.backendOptions().withWeightBytes(checkpoint.totalBytes()));
      ClipModel loaded = new ClipModel(model, format, checkpoint, backend);
      event.ifPresent(load -> {
        load.modelType = format.modelType();
        load.weightBytes = loaded.modules.byteSize();
        load.commit();
      });
      return loaded;
    } catch (RuntimeException | Error failure) {
      if (backend != null) {
        backend.close();
      }
      checkpoint.close();
      throw failure;
    }
  }

  /**
   * Returns a picture's embedding, of length 1.
   *
   * @throws InputException if the picture cannot be put to this model
   */
  public float[] embed(Image image) {
    return embedImages(List.of(image)).getFirst();
  }

  /**
   * Returns a text's embedding, of length 1.
   *
   * @throws InputException if this model has no text encoder
   */
  public float[] embed(String text) {
    return embedTexts(List.of(text)).getFirst();
  }

  /**
   * Returns the embeddings of pictures in their order, each of length 1. Pictures are encoded in
   * batches, which is a little faster than one by one.
   *
   * @throws InputException if a picture cannot be put to this model
   */
  public List<float[]> embedImages(List<Image> images) {
    return normalised(imageFeatures(images));
  }

  /**
   * Returns the embeddings of texts in their order, each of length 1.
   *
   * @throws InputException if this model has no text encoder
   */
  public List<float[]> embedTexts(List<String> words) {
    return normalised(textFeatures(words));
  }

  /**
   * Returns the features of pictures before they are normalised: projected, or else pooled.
   *
   * @throws InputException if a picture cannot be put to this model
   */
  public List<float[]> imageFeatures(List<Image> images) {
    List<float[]> features = new ArrayList<>();
    for (int from = 0; from < images.size(); from += PICTURE_BATCH) {
      List<Image> batch = images.subList(from, Math.min(images.size(), from + PICTURE_BATCH));
      features.addAll(encode(prepare(batch), true));
    }
    return features;
  }

  /**
   * Returns what embeds many pictures while the next are read, as many together as memory allows.
   */
  public PicturePipeline pipeline() {
    return new PicturePipeline(this, PICTURE_BATCH, true);
  }

  /**
   * Returns what embeds many pictures while the next are read.
   *
   * @param batch how many are encoded together; at least 1
   */
  public PicturePipeline pipeline(int batch) {
    return new PicturePipeline(this, batch, false);
  }

  /** Preparing needs no turn and all cores, as it may take longer than a small encoder. */
  private List<PreparedPicture> prepare(List<Image> images) {
    PictureProcessor opened = pictureProcessor();
    return Turns.inMemory(() -> images.parallelStream().map(opened::prepare).toList());
  }

  /** Returns what prepares pictures, which may be used without a turn. */
  PictureProcessor pictureProcessor() {
    return turns.take(this::processor);
  }

  /**
   * Encodes runs of pictures of one grid together.
   *
   * @param asMemoryAllows whether a run is cut where it would take too much of the Java heap
   */
  List<float[]> encode(List<PreparedPicture> prepared, boolean asMemoryAllows) {
    return turns.take(() -> {
      List<float[]> features = new ArrayList<>();
      int from = 0;
      while (from < prepared.size()) {
        PatchGrid grid = prepared.get(from).grid();
        int to = from + 1;
        while (to < prepared.size() && prepared.get(to).grid().equals(grid)) {
          to++;
        }
        if (asMemoryAllows && to - from > 1) {
          to = from + requirePictures().batchWithin(BATCH_BYTES, grid, to - from);
        }
        List<float[]> pixels =
            prepared.subList(from, to).stream().map(PreparedPicture::pixels).toList();
        features.addAll(requirePictures().embed(pixels, grid));
        from = to;
      }
      return features;
    });
  }

  /**
   * Returns the features of texts before they are normalised: projected, or else pooled.
   *
   * @throws InputException if this model has no text encoder
   */
  public List<float[]> textFeatures(List<String> words) {
    return turns.take(() -> {
      TextRuntime runtime = requireTexts();
      return runtime.embed(words.stream().map(this::encode).toList());
    });
  }

  /**
   * Tells how well each label fits a picture, in the order of the labels.
   *
   * @param image the picture
   * @param labels texts, as they are put to the model
   * @throws InputException if there is no label, or the model has not both encoders
   */
  public List<LabelScore> classify(Image image, List<String> labels) {
    return classify(List.of(image), labels).getFirst();
  }

  /**
   * Tells how well each label fits each picture, in their order.
   *
   * @throws InputException if there is no label, or the model has not both encoders
   */
  public List<List<LabelScore>> classify(List<Image> images, List<String> labels) {
    if (labels.isEmpty()) {
      throw new InputException("There is no label to choose from; give at least one.");
    }
    Similarity similarity = similarity(images, labels);
    float[][] probabilities = similarity.probabilities();
    List<List<LabelScore>> results = new ArrayList<>();
    for (int i = 0; i < probabilities.length; i++) {
      List<LabelScore> scores = new ArrayList<>();
      for (int j = 0; j < labels.size(); j++) {
        float logit = similarity.logitsPerImage()[i][j];
        scores.add(new LabelScore(labels.get(j), logit, probabilities[i][j]));
      }
      results.add(List.copyOf(scores));
    }
    return List.copyOf(results);
  }

  /**
   * Compares pictures with texts.
   *
   * @throws InputException if the model has not both encoders
   */
  public Similarity similarity(List<Image> images, List<String> words) {
    return compare(embedImages(images), embedTexts(words));
  }

  /**
   * Compares embeddings of pictures with embeddings of texts, as {@link #similarity} does.
   *
   * @throws InputException if the model has not both encoders
   */
  public Similarity compare(List<float[]> images, List<float[]> words) {
    Weight scale = encoder.logitScale();
    if (scale == null) {
      throw new InputException(
          "This model ("
              + format.modelType()
              + ") has one encoder only and cannot compare pictures with texts.");
    }
    return turns.take(() ->
        Similarity.of(
            encoder.scoring(),
            images,
            words,
            (float) Math.exp(scalar(scale)),
            encoder.logitBias() == null ? 0 : scalar(encoder.logitBias())));
  }

  private float scalar(Weight weight) {
    return weight.of(source.tensor(weight.name())).toFloats()[0];
  }

  /**
   * Computes what is asked for of a picture, by the names that {@link PictureRuntime.Output} says,
   * and {@code pixel_values} as the reference arranges them. What the encoder does not have is
   * missing.
   *
   * @return f32 tensors
   * @throws InputException if the picture cannot be put to this model
   */
  public Map<String, Tensor> features(Image image, Set<PictureRuntime.Output> wanted) {
    PreparedPicture prepared = prepare(List.of(image)).getFirst();
    return turns.take(() -> {
      Map<String, Tensor> features = new TreeMap<>();
      features.put("pixel_values", prepared.pixelValues());
      if (!wanted.isEmpty()) {
        features.putAll(requirePictures().features(prepared.pixels(), prepared.grid(), wanted));
      }
      return features;
    });
  }

  /**
   * Computes everything of a text, by name: see {@link TextRuntime#features}.
   *
   * @throws InputException if this model has no text encoder
   */
  public Map<String, Tensor> features(String text) {
    return turns.take(() -> requireTexts().features(encode(text)));
  }

  /**
   * Tells where in a picture its match with a text comes from.
   *
   * @param image the picture
   * @param text what it is compared with
   * @param method how that is told
   * @throws InputException if this model's encoder does not have what the method needs
   */
  public HeatMap explain(Image image, String text, Explanation method) {
    float[] words = embed(text);
    PreparedPicture prepared = prepare(List.of(image)).getFirst();
    return turns.take(() -> {
      Map<String, Tensor> features =
          requirePictures().features(prepared.pixels(), prepared.grid(), method.outputs());
      return method.map(features, words, prepared);
    });
  }

  /** Returns the length of an embedding. */
  public int dimension() {
    return encoder.dimension();
  }

  /** Returns what the model is, such as its {@code model_type}. */
  public String modelType() {
    return format.modelType();
  }

  /** Returns whether it can embed texts. */
  public boolean hasTextEncoder() {
    return texts != null;
  }

  /**
   * Returns the checkpoint's tokenizer.
   *
   * @throws InputException if this model has no text encoder
   * @throws io.github.vlm4j.core.CheckpointException if its files are missing or malformed
   */
  public ContrastiveTokenizer tokenizer() {
    return turns.take(() -> {
      requireTexts();
      return openTokenizer();
    });
  }

  /** Returns the model's modules and parameters. */
  public ModuleTree modules() {
    return modules;
  }

  /** Returns what the model runs on, in one line. */
  public String backend() {
    return backend.description();
  }

  /** Frees everything; the model can no longer be used. */
  @Override
  public void close() {
    turns.close(() -> {
      if (pictures != null) {
        pictures.close();
      }
      if (texts != null) {
        texts.close();
      }
      backend.close();
      checkpoint.close();
    });
  }

  private int[] encode(String text) {
    int[] ids = openTokenizer().encode(text);
    int vocabulary = encoder.text() == null ? 0 : encoder.text().vocabularySize();
    for (int id : ids) {
      if (id < 0 || id >= vocabulary) {
        throw new ModelException(
            "The tokenizer in "
                + folder
                + " makes token "
                + id
                + " where the model has "
                + vocabulary
                + " only; they belong to different models.");
      }
    }
    return ids;
  }

  private ContrastiveTokenizer openTokenizer() {
    if (tokenizer == null) {
      tokenizer = format.tokenizer(folder);
    }
    return tokenizer;
  }

  private PictureProcessor processor() {
    requirePictures();
    if (processor == null) {
      processor = format.pictures(folder);
    }
    return processor;
  }

  private PictureRuntime requirePictures() {
    if (pictures == null) {
      throw new InputException(
          "This model (" + format.modelType() + ") has no encoder of pictures.");
    }
    return pictures;
  }

  private TextRuntime requireTexts() {
    if (texts == null) {
      throw new InputException("This model (" + format.modelType() + ") has no encoder of texts.");
    }
    return texts;
  }

  private static List<float[]> normalised(List<float[]> vectors) {
    vectors.forEach(UnitLength::scale);
    return vectors;
  }
}
