package modelmapreducejob;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.SynchronousQueue;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapreduce.Cluster;
import org.apache.hadoop.util.ToolRunner;
import org.apache.hadoop.util.VersionInfo;

/**
 * Runs commands of the hadoop program, one after the other, in one Java machine.
 *
 * <p>Standard input has requests: a {@link #RUN} byte, the number of words, and each word as its length and
 * its UTF-8; or a {@link #STOP} byte, which makes the running command's output fail. Numbers are big-endian
 * ints. The answers are frames, see {@link Replies}. The end of standard input ends this process.
 */
public final class CommandServer {
  /** A command of this class' own: of each file its path, a first byte and a length. */
  private static final String RANGES = "ranges";
  private static final int RUN = 'r';
  private static final int STOP = 's';
  private static final int MOST_WORDS = 1 << 20;
  private static final int MOST_BYTES = 1 << 24;
  private static final int FAILED = 1;
  private static final int READERS = 8;
  private static final long AHEAD = 1 << 23;
  private static final long PATIENCE_MS = 2000;

  private final Replies replies;
  private final SynchronousQueue<String[]> requests = new SynchronousQueue<>();
  private volatile Answer answer;

  private CommandServer(Replies replies) {
    this.replies = replies;
  }

  /** Serves standard input; takes no arguments. */
  public static void main(String[] none) throws IOException, InterruptedException {
    DataInputStream input = new DataInputStream(new FileInputStream(FileDescriptor.in));
    System.setIn(new ByteArrayInputStream(new byte[0]));
    Replies replies = new Replies();
    System.setOut(printer(new Answer(null, Replies.OUT, false).refusing()));
    // Loggers keep the stream that they find when they are set up, which the first command does
    System.setErr(printer(new Answer(replies, Replies.ERR, true)));
    CommandServer server = new CommandServer(replies);
    Thread worker = new Thread(server::work, "commands");
    worker.setDaemon(true);
    worker.start();
    replies.ready();
    try {
      server.read(input);
    } finally {
      server.end();
    }
  }

  private void read(DataInputStream input) throws IOException, InterruptedException {
    while (true) {
      int kind = input.read();
      if (kind == RUN) {
        requests.put(words(input));
      } else if (kind == STOP) {
        Answer running = answer;
        if (running != null) {
          running.refusing();
        }
      } else {
        return;
      }
    }
  }

  private static String[] words(DataInputStream input) throws IOException {
    String[] words = new String[bounded(input.readInt(), MOST_WORDS)];
    for (int i = 0; i < words.length; i++) {
      byte[] word = new byte[bounded(input.readInt(), MOST_BYTES)];
      input.readFully(word);
      words[i] = new String(word, StandardCharsets.UTF_8);
    }
    return words;
  }

  private static int bounded(int number, int most) throws IOException {
    if (number < 0 || number > most) {
      throw new EOFException("no request has " + number);
    }
    return number;
  }

  /** Ends this process: nobody will read what a running command answers. */
  private void end() {
    if (answer != null) {
      Runtime.getRuntime().halt(FAILED);
    }
    Thread watch = new Thread(CommandServer::haltLater, "end");
    watch.setDaemon(true);
    watch.start();
    System.exit(0);
  }

  private static void haltLater() {
    try {
      Thread.sleep(PATIENCE_MS);
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(0);
  }

  private void work() {
    try {
      prepare();
      while (true) {
        serve(requests.take());
      }
    } catch (IOException | InterruptedException gone) {
      Runtime.getRuntime().halt(FAILED);
    }
  }

  /** Loads what almost each command needs, while the driver is loading as well; connects to nothing. */
  private static void prepare() {
    try {
      Configuration conf = new Configuration();
      FileSystem.getFileSystemClass(FileSystem.getDefaultUri(conf).getScheme(), conf);
      ToolRunner.run(conf, new FsShell(conf), new String[] {"-help", "ls"});
      new Cluster(conf).close();
    } catch (Exception | LinkageError later) { // the first command meets it, and can say so
      return;
    }
  }

  private void serve(String[] words) throws IOException, InterruptedException {
    String name = words.length > 0 ? words[0] : "";
    if (!isServed(name, words)) {
      replies.code(Replies.NOT_HERE);
      return;
    }
    Answer out = new Answer(replies, Replies.OUT, name.equals("jar"));
    answer = out;
    replies.write(Replies.BEGUN, new byte[0], 0, 0);
    System.setOut(printer(out));
    int[] code = {FAILED};
    // a thread of its own, since commands change its class loader
    Thread command = new Thread(() -> code[0] = runOrExplain(words), "command");
    command.setDaemon(true);
    command.start();
    command.join();
    System.out.flush();
    System.err.flush();
    out.send();
    answer = null;
    replies.code(code[0]);
  }

  private static int runOrExplain(String[] words) {
    try {
      return run(words);
    } catch (Throwable error) { // as a Java machine of its own would end
      System.err.print("Exception in thread \"main\" ");
      error.printStackTrace();
      return FAILED;
    }
  }

  private static boolean isServed(String name, String[] words) {
    return name.equals("fs")
        || name.equals("version")
        || name.equals(RANGES)
        || (name.equals("jar") && StreamingJob.isOne(words));
  }

  private static int run(String[] words) throws Exception {
    String[] rest = Arrays.copyOfRange(words, 1, words.length);
    try {
      switch (words[0]) {
        case "fs":
          return ToolRunner.run(new Configuration(), new FsShell(), rest);
        case RANGES:
          return writeRanges(rest);
        case "jar":
          return StreamingJob.run(rest);
        default:
          VersionInfo.main(rest);
          return 0;
      }
    } finally {
      // Those that are cached have the settings of this command: its umask, its patience
      FileSystem.closeAll();
    }
  }

  /** Reads ranges some at a time, since each waits for its hosts, and writes them in their order. */
  private static int writeRanges(String[] words) throws Exception {
    Configuration conf = new Configuration();
    ExecutorService readers = Executors.newFixedThreadPool(READERS);
    try {
      for (int i = 0; i < words.length; ) {
        List<Callable<byte[]>> some = new ArrayList<>();
        for (long bytes = 0; i < words.length && bytes < AHEAD; i += 3) {
          Path path = new Path(words[i]);
          long start = Long.parseLong(words[i + 1]);
          int length = Integer.parseInt(words[i + 2]);
          some.add(() -> range(path.getFileSystem(conf).open(path), start, new byte[length]));
          bytes += length;
        }
        for (Future<byte[]> read : readers.invokeAll(some)) {
          System.out.write(read.get());
        }
      }
    } catch (ExecutionException error) {
      throw (Exception) error.getCause();
    } finally {
      readers.shutdownNow();
    }
    return 0;
  }

  private static byte[] range(FSDataInputStream opened, long start, byte[] bytes) throws IOException {
    try (FSDataInputStream file = opened) {
      file.readFully(start, bytes);
    }
    return bytes;
  }

  private static PrintStream printer(Answer answer) {
    try {
      return new PrintStream(answer, true, "UTF-8");
    } catch (java.io.UnsupportedEncodingException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
