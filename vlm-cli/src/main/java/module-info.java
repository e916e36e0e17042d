/** The vlm command. */
module io.github.vlm4j.cli {
  requires io.github.vlm4j.models;
  requires io.github.vlm4j.search;
  requires info.picocli;
  requires java.logging;
  requires java.management;
  requires jdk.management;

  opens io.github.vlm4j.cli to
      info.picocli;
}
