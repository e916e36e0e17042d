/** Whole models put together, and the API that users see. */
module io.github.vlm4j.models {
  requires transitive io.github.vlm4j.core;
  requires transitive io.github.vlm4j.vision;
  requires transitive io.github.vlm4j.text;
  requires transitive io.github.vlm4j.connector;
  requires java.management;
  requires jdk.management;

  exports io.github.vlm4j.models;
  exports io.github.vlm4j.models.chat;
  exports io.github.vlm4j.models.clip;
  exports io.github.vlm4j.models.clipqwen;
  exports io.github.vlm4j.models.qwenvl;
  exports io.github.vlm4j.models.seemore;
  exports io.github.vlm4j.models.llava;
  exports io.github.vlm4j.models.family;
  exports io.github.vlm4j.models.gguf;
  exports io.github.vlm4j.models.runtime;
  exports io.github.vlm4j.models.text;
}
