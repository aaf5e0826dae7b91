package modelmapreducejob;

import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import org.apache.hadoop.mapred.JobConf;
import org.apache.hadoop.util.Tool;
import org.apache.hadoop.util.ToolRunner;

/** Runs the client of a streaming job, whose jar is named, as `hadoop jar` does. */
public final class StreamingJob {
  private static final String MAIN = "org.apache.hadoop.streaming.HadoopStreaming";
  private static final String CLIENT = "org.apache.hadoop.streaming.StreamJob";
  /** What the Java machines of map tasks are to have beside the options that the site gives them. */
  private static final String ADDED = "modelmapreducejob.map.java.opts";
  private static final String OPTIONS = "mapreduce.map.java.opts";
  private static final String OPTIONS_OF_ALL = "mapred.child.java.opts";

  private StreamingJob() {}

  /** Returns whether a command's words, `jar` and its path and more, are those of a streaming job. */
  static boolean isOne(String[] words) {
    if (words.length < 2) {
      return false;
    }
    try (JarFile jar = new JarFile(words[1])) {
      Manifest manifest = jar.getManifest();
      return manifest != null && MAIN.equals(manifest.getMainAttributes().getValue("Main-Class"));
    } catch (IOException other) { // a Java machine of its own will say so
      return false;
    }
  }

  /** Returns the exit code for the words after `jar`. */
  static int run(String[] words) throws Exception {
    URL[] jar = {new File(words[0]).toURI().toURL()};
    try (URLClassLoader loader = new Loader(jar, StreamingJob.class.getClassLoader())) {
      Thread.currentThread().setContextClassLoader(loader);
      Tool client = (Tool) Class.forName(CLIENT, true, loader).getDeclaredConstructor().newInstance();
      int code = ToolRunner.run(client, withJavaOptions(Arrays.copyOfRange(words, 1, words.length)));
      if (code != 0) {
        System.err.println("Streaming Command Failed!");
      }
      return code;
    }
  }

  /**
   * Returns a job's words with the site's options for the Java machines of map tasks and those that the job
   * adds. They come first: a setting among the words stands.
   */
  public static String[] withJavaOptions(String[] words) {
    String added = "";
    for (String word : words) {
      if (word.startsWith(ADDED + "=")) {
        added = word.substring(ADDED.length() + 1);
      } else if (word.startsWith(OPTIONS_OF_ALL + "=") || word.equals("-conf")) {
        return words; // which may say something of them
      }
    }
    if (added.isEmpty()) {
      return words;
    }
    JobConf site = new JobConf();
    String options = site.get(OPTIONS, site.get(OPTIONS_OF_ALL, ""));
    String[] all = new String[words.length + 2];
    all[0] = "-D";
    all[1] = OPTIONS + "=" + (options + " " + added).trim();
    System.arraycopy(words, 0, all, 2, words.length);
    return all;
  }

  /**
   * Finds streaming's classes, and none of this package: those of a job come from its -libjars, by a loader
   * below this one, and so find streaming's.
   */
  private static final class Loader extends URLClassLoader {
    private static final String OWN = StreamingJob.class.getPackage().getName() + ".";

    Loader(URL[] jar, ClassLoader parent) {
      super(jar, parent);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (name.startsWith(OWN)) {
        throw new ClassNotFoundException(name);
      }
      return super.loadClass(name, resolve);
    }
  }
}
