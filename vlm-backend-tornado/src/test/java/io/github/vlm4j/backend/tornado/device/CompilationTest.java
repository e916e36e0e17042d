package io.github.vlm4j.backend.tornado.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.backend.tornado.ChildJvm;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What TornadoVM compiles, by the sources that it prints. */
@NeedsSdk
final class CompilationTest {

  private static final Pattern SOURCE = Pattern.compile("(?m)^__kernel void (\\w+)\\(");
  private static final Pattern HEARD = Pattern.compile("(?m)^" + CompilingOnce.HEARD);

  @Test
  void eachKernelIsCompiledOnceWhateverTheLayersSizesAndBackends() throws Exception {
    Path sdk = Path.of(Objects.requireNonNull(System.getenv("TORNADOVM_HOME")));
    String printed =
        ChildJvm.run(
            CompilingOnce.class,
            Map.of(),
            List.of("@" + sdk.resolve("tornado-argfile"), "-Dtornado.printKernel=true"));

    int from = printed.indexOf(CompilingOnce.FIRST);
    int to = printed.indexOf(CompilingOnce.OTHERS);
    int grown = printed.indexOf(CompilingOnce.GROWN);
    String first = printed.substring(from, to);
    assertThat(count(SOURCE, first)).as(printed).isGreaterThanOrEqualTo(5);
    // What is told to those who wait is what TornadoVM does.
    assertThat(count(HEARD, first)).isEqualTo(count(SOURCE, first));
    assertThat(printed.substring(to, grown))
        .doesNotContainPattern(SOURCE)
        .doesNotContainPattern(HEARD);
    String afterwards = printed.substring(grown);
    assertThat(count(SOURCE, afterwards)).isPositive().isEqualTo(count(HEARD, afterwards));
  }

  private static long count(Pattern pattern, String text) {
    return pattern.matcher(text).results().count();
  }
}
