package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.backend.Executable;
import java.util.LinkedHashMap;
import java.util.function.Function;

/**
 * The compiled graphs used last, by what they were compiled for. A few suffice: the same picture
 * size or prompt length tends to come again.
 *
 * @param <K> what a graph is compiled for
 */
final class ExecutableCache<K> implements AutoCloseable {

  private final int size;
  private final LinkedHashMap<K, Executable> executables = new LinkedHashMap<>(16, 0.75f, true);

  ExecutableCache(int size) {
    this.size = size;
  }

  Executable get(K key, Function<K, Executable> compile) {
    Executable known = executables.get(key);
    if (known != null) {
      return known;
    }
    // Room is made first, so that old and new activations are never held together.
    while (executables.size() >= size) {
      executables.pollFirstEntry().getValue().close();
    }
    Executable made = compile.apply(key);
    executables.put(key, made);
    return made;
  }

  @Override
  public void close() {
    executables.values().forEach(Executable::close);
    executables.clear();
  }
}
