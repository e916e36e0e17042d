/** An index of pictures on disk that finds them by words or by example. */
module io.github.vlm4j.search {
  requires transitive io.github.vlm4j.vision;
  requires org.apache.lucene.core;

  exports io.github.vlm4j.search;
}
