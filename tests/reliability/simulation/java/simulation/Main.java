package simulation;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;

/** Runs seeds FROM to FROM + N - 1, and says what each came to as a line of JSON: {@code Main FROM N}. */
final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    long from = Long.parseLong(arguments[0]);
    long seeds = Long.parseLong(arguments[1]);
    ObjectMapper json = new ObjectMapper();
    for (long seed = from; seed < from + seeds; seed++) {
      System.out.println(json.writeValueAsString(run(seed)));
    }
  }

  private static Map<String, Object> run(long seed) throws InterruptedException {
    World world = new World(seed);
    FakeStore.enter(world);
    Configuration options = new Configuration(false);
    options.set("fs.fake.impl", FakeStore.class.getName());
    options.setBoolean("fs.fake.impl.disable.cache", true);
    List<String> answers = new ArrayList<>();
    List<Writer> writers = new ArrayList<>();
    int many = 2 + world.any(3);
    for (int number = 0; number < many; number++) {
      writers.add(new Writer("w" + number, world, answers, options));
    }
    world.run(writers);
    Map<String, String> log = new TreeMap<>();
    world.objects.forEach((key, content) -> {
      if (key.contains("_delta_log")) {
        log.put(FakeStore.name(key).replace(".json", ""), new String(content, StandardCharsets.UTF_8));
      }
    });
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("seed", seed);
    told.put("careless", world.careless);
    told.put("faults", world.faults);
    told.put("answers", answers);
    told.put("log", log);
    told.put("replaced", world.replaced);
    told.put("trace", world.trace);
    return told;
  }
}
