# The bootstrap of the managed Ruby runtimes: asks the Runtime API for events and calls the handler.
# Written for Ruby 3.1 and later; the standard library alone, and little of it, because each file that is read is cold start.
require "json"
require "logger"
require "socket"
require "stringio"

module HaneulRuntime
  JSON_LOGS = ENV["AWS_LAMBDA_LOG_FORMAT"] == "JSON"

  # The Runtime API over one connection that is kept.
  class Api
    def initialize
      host, port = ENV.fetch("AWS_LAMBDA_RUNTIME_API").split(":")
      @socket = TCPSocket.new(host, Integer(port || 80))
      @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
    end

    # The status, the headers by their names in lower case, the body.
    def call(method, path, headers = {}, body = "")
      head = "#{method} /2018-06-01/runtime#{path} HTTP/1.1\r\nHost: runtime\r\n"
      headers.each { |name, value| head << "#{name}: #{value}\r\n" }
      @socket.write(head << "Content-Length: #{body.bytesize}\r\n\r\n", body)
      status = line.split(" ")[1].to_i
      found = {}
      while (text = line) != ""
        name, _, value = text.partition(":")
        found[name.downcase] = value.strip
      end
      length = found.fetch("content-length", "0").to_i
      [status, found, length.zero? ? "" : read(length)]
    rescue SystemCallError, IOError
      # The other side is gone, and so is the environment.
      exit!(0)
    end

    private

    def line
      # Without one we were told to go.
      (@socket.gets("\r\n") || exit!(0)).chomp("\r\n")
    end

    def read(length)
      data = @socket.read(length)
      data && data.bytesize == length ? data : exit!(0)
    end
  end

  # What the next line of a logger tells of.
  class << self
    attr_accessor :request_id
  end

  # Lines of loggers name the invocation.
  class Formatter < Logger::Formatter
    def call(severity, time, program, message)
      id = HaneulRuntime.request_id
      if JSON_LOGS
        entry = { "timestamp" => time.utc.strftime("%Y-%m-%dT%H:%M:%S.%LZ"), "level" => severity }
        entry["message"] = message.is_a?(String) ? message : msg2str(message)
        entry["requestId"] = id if id
        return "#{JSON.generate(entry)}\n"
      end
      about = id ? " RequestId: #{id}" : ""
      stamp = time.strftime("%Y-%m-%dT%H:%M:%S.%6N")
      format("%s, [%s #%d%s] %5s -- %s: %s\n", severity[0], stamp, Process.pid, about, severity, program, msg2str(message))
    end
  end

  # `Logger.new` without a formatter has ours, and the level that the function was given.
  module Loggers
    def initialize(*given, **options)
      super
      @default_formatter = Formatter.new
      level = ENV["AWS_LAMBDA_LOG_LEVEL"]
      return if !JSON_LOGS || !level || options.key?(:level)
      self.level = { "TRACE" => "DEBUG" }.fetch(level, level)
    end
  end
  Logger.prepend(Loggers)

  class Context
    attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
                :memory_limit_in_mb, :function_version, :identity, :client_context, :deadline_ms, :tenant_id

    def initialize(request_id, headers)
      json = ->(name) { headers[name] && JSON.parse(headers[name]) }
      @aws_request_id = request_id
      @deadline_ms = headers.fetch("lambda-runtime-deadline-ms", "0").to_i
      @invoked_function_arn = headers["lambda-runtime-invoked-function-arn"]
      @tenant_id = headers["lambda-runtime-aws-tenant-id"]
      @client_context = json.call("lambda-runtime-client-context")
      @identity = json.call("lambda-runtime-cognito-identity")
      @function_name = ENV["AWS_LAMBDA_FUNCTION_NAME"]
      @function_version = ENV["AWS_LAMBDA_FUNCTION_VERSION"]
      @memory_limit_in_mb = ENV["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
      @log_group_name = ENV["AWS_LAMBDA_LOG_GROUP_NAME"]
      @log_stream_name = ENV["AWS_LAMBDA_LOG_STREAM_NAME"]
    end

    def get_remaining_time_in_millis
      [deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond), 0].max
    end
  end

  # A failure in the words that are answered: whose it is (`Function`, `Init`) and what.
  def self.failure(error, whose)
    stack = (error.backtrace || []).reject { |place| place.start_with?(__FILE__, "<internal:") }
    { "errorMessage" => error.message, "errorType" => "#{whose}<#{error.class}>", "stackTrace" => stack }
  end

  def self.log_failure(failure)
    if JSON_LOGS
      entry = { "timestamp" => Time.now.utc.strftime("%Y-%m-%dT%H:%M:%S.%LZ"), "level" => "ERROR" }
      entry["requestId"] = request_id if request_id
      return $stdout.write("#{JSON.generate(entry.merge(failure))}\n")
    end
    $stdout.write("Error raised from handler method\n#{JSON.generate(failure)}\n")
  end

  def self.told(failure)
    headers = { "Lambda-Runtime-Function-Error-Type" => failure["errorType"], "Content-Type" => "application/json" }
    [headers, JSON.generate(failure)]
  end

  # `file.method`, or `file.Module::Class.method`: what is to be called with the event and the context.
  def self.load(handler)
    file, *names = handler.split(".")
    if names.empty? || names.size > 2
      raise ArgumentError, "Invalid handler #{handler}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD " \
                           "where FILENAME corresponds with an existing Ruby source file FILENAME.rb, CLASS is an optional " \
                           "module/class namespace and METHOD is a callable method. If using CLASS, METHOD must be a class-level method."
    end
    require File.join(ENV.fetch("LAMBDA_TASK_ROOT"), file)
    method = names.pop.to_sym
    receiver = names.empty? ? TOPLEVEL_BINDING.receiver : Object.const_get(names.first)
    ->(event, context) { receiver.__send__(method, event: event, context: context) }
  end

  def self.run
    $stdout.sync = $stderr.sync = true
    api = Api.new
    begin
      handler = load(ENV.fetch("_HANDLER"))
    rescue SystemExit
      raise
    rescue Exception => error # rubocop:disable Lint/RescueException: a file that does not parse is none of StandardError.
      failed = failure(error, "Init")
      log_failure(failed)
      api.call("POST", "/init/error", *told(failed))
      exit!(1)
    end
    loop { serve(api, handler) }
  end

  def self.serve(api, handler)
    _, headers, body = api.call("GET", "/invocation/next")
    id = self.request_id = headers["lambda-runtime-aws-request-id"]
    # The environment ends.
    exit!(0) unless id
    ENV["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
    begin
      event = JSON.parse(body.force_encoding(Encoding::UTF_8))
      result = handler.call(event, Context.new(id, headers))
      type, answer = result.is_a?(StringIO) ? ["application/unknown", result.string] : ["application/json", JSON.generate(result)]
    rescue SystemExit
      raise
    rescue Exception => error # rubocop:disable Lint/RescueException: whatever a handler raises is its answer.
      failed = failure(error, "Function")
      log_failure(failed)
      return api.call("POST", "/invocation/#{id}/error", *told(failed))
    end
    status, _, refused = api.call("POST", "/invocation/#{id}/response", { "Content-Type" => type }, answer)
    return unless status == 413
    message = JSON.parse(refused)["errorMessage"]
    log_failure({ "errorMessage" => message, "errorType" => "Function.ResponseSizeTooLarge", "stackTrace" => [] })
  end
end

HaneulRuntime.run
