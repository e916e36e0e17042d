package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The files that come with a model's weights, by name: configurations, tokenizer, chat template.
 * They are files of a folder or, where another format keeps what they say elsewhere, texts that are
 * made of it.
 */
public sealed interface CompanionFiles {

  /** Returns the files of a folder. */
  static CompanionFiles in(Path folder) {
    return new Folder(folder);
  }

  /** Returns whether there is a file of that name. */
  boolean has(String name);

  /** Returns where a file is, or what messages are to call it. */
  Path path(String name);

  /**
   * Returns a file's JSON object.
   *
   * @throws CheckpointException if it is missing or malformed
   */
  ConfigNode config(String name);

  /**
   * A folder.
   *
   * @param path the folder
   */
  record Folder(Path path) implements CompanionFiles {

    @Override
    public boolean has(String name) {
      return Files.exists(path(name));
    }

    @Override
    public Path path(String name) {
      return path.resolve(name);
    }

    @Override
    public ConfigNode config(String name) {
      return ConfigNode.read(path(name));
    }
  }

  /**
   * What a GGUF file says.
   *
   * @param origin the file
   * @param metadata its own words, among them the tokenizer, which is too long to be a text
   * @param texts that are made of them and stand for other files, by name, made when they are asked
   *     for
   */
  record Made(Path origin, GgufMetadata metadata, Map<String, Supplier<String>> texts)
      implements CompanionFiles {

    /** Keeps an immutable copy. */
    public Made {
      texts = Map.copyOf(texts);
    }

    @Override
    public boolean has(String name) {
      return texts.containsKey(name);
    }

    @Override
    public Path path(String name) {
      return origin.resolve(name);
    }

    @Override
    public ConfigNode config(String name) {
      return ConfigNode.parse(path(name).toString(), text(name));
    }

    /**
     * Returns a text.
     *
     * @throws CheckpointException if there is none of that name, or it cannot be made
     */
    public String text(String name) {
      Supplier<String> text = texts.get(name);
      if (text == null) {
        throw new CheckpointException(origin + " holds nothing that stands for a " + name);
      }
      return text.get();
    }
  }
}
